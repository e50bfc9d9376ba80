// What a run says as it begins, what it refuses, and that it writes nothing that is not its own.
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/small_runs.h"
#include "common/foreign_line.h"
#include "sampler/texts/text_source.h"
#include "trainer/run/changed_settings.h"
#include "trainer/run/run_config.h"
#include "trainer/run/settings_without_effect.h"
#include "trainer/run/start_lines.h"

namespace lodestone::testing {
using namespace losses;
using namespace run;
using namespace sampler;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void read(const std::string& yaml, RunConfig& config) {
  read_run_config(parse_yaml(yaml, "run.yaml"), {}, "run", config);
}

std::string error_of(const std::string& yaml) {
  RunConfig config{Tables()};
  return message_of<ConfigError>([&] { read(yaml, config); });
}

TEST(MinerChoice, AutoIsWhatTheLossWants) {
  const auto miner_of = [](const std::string& yaml) {
    RunConfig config{Tables()};
    read(yaml, config);
    return config.miner.name();
  };
  for (const auto& loss : loss_table())
    EXPECT_EQ(miner_of(std::string("loss: ") + loss.name),
              std::string(loss.name) == "triplet" ? "semi_hard" : "all")
        << loss.name;
  EXPECT_EQ(miner_of("loss: triplet\nminer: auto"), "semi_hard");
  EXPECT_EQ(miner_of("loss: triplet\ndata: {tuples: triplets.tsv}"), "all");
  EXPECT_EQ(miner_of("loss: triplet\ndata: {kind: texts, text: {format: triplets}}"), "all");
  EXPECT_EQ(miner_of("loss: supcon\nminer: {name: batch_hard}"), "batch_hard");
  EXPECT_EQ(miner_of("loss: triplet\nminer: batch_hard"), "batch_hard");
}

TEST(MinerChoice, OneThatThrowsAwayASoftmaxLossesNegativesIsReported) {
  const auto reported = [](const std::string& yaml) {
    RunConfig config{Tables()};
    read(yaml, config);
    const auto lines = objective_lines(config);
    return lines.empty() ? "" : lines.front().text;
  };
  EXPECT_THAT(
      reported("loss: supcon\nminer: batch_hard"),
      AllOf(HasSubstr("batch_hard"), HasSubstr("one for each positive"), HasSubstr("leave miner out")));
  EXPECT_THAT(reported("loss: infonce\nminer: multi_similarity"), HasSubstr("the hardest alone"));
  for (const char* fine :
       {"loss: supcon", "loss: supcon\nminer: all", "loss: triplet\nminer: batch_hard",
        "loss: contrastive\nminer: semi_hard", "loss: multi_similarity\nminer: multi_similarity"})
    EXPECT_EQ(reported(fine), "") << fine;
}

TEST(SpellingLines, CountClassesThatLookAlike) {
  const TextFolder folder;
  TextSource source;
  const auto lines = [&](const std::string& rows) {
    source.path = folder.write("a.tsv", rows);
    return spelling_lines("data", *open_texts(source).texts);
  };
  EXPECT_TRUE(lines("a\tx\nb\ty\nc\tX\n").empty());
  const auto found = lines("a\t1\nb\t 1\nc\tcaf\u00e9\nd\tcafe\u0301\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].warns);
  EXPECT_THAT(found[0].text, AllOf(HasSubstr("data: 2 classes have another class's name except"),
                                   HasSubstr("' 1' and '1'"), HasSubstr("give each class one spelling")));
  EXPECT_THAT(lines("a\t1\nb\t1 \n")[0].text, HasSubstr("data: 1 class has another class's name"));
}

TEST(FirstLine, NamesWhatTrains) {
  RunConfig config{Tables()};
  read("loss: {name: supcon, temperature: 0.05}\nencoder: {name: conv4, embedding: 32}", config);
  EXPECT_EQ(
      first_line(config, "cpu"),
      "loss supcon (temperature 0.05), miner all (auto), encoder conv4 of width 32, device cpu, precision "
      "float32");
  RunConfig triplet{Tables()};
  read("loss: {name: triplet, soft_margin: true}\nminer: batch_hard\nprecision: bfloat16", triplet);
  EXPECT_THAT(first_line(triplet, "cuda:0"), AllOf(HasSubstr("loss triplet, miner batch_hard, "),
                                                   HasSubstr("cuda:0"), HasSubstr("bfloat16")));
}

TEST(KeysWithoutEffect, OfPartsThatAreNotInUseAreRefused) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"sampler: {name: shuffle, samples_per_class: 4}", "sampler.samples_per_class"},
      {"sampler: {name: pk, hard_class: {refresh: 9}}", "sampler.hard_class"},
      {"data: {text: {format: labels}}", "data.text"},
      {"data: {kind: texts, image: {width: 9}}", "data.image"},
      {"data: {kind: texts, loader: {cache_mib: 9}}", "data.loader.cache_mib"},
      {"data: {kind: texts, train: {quarter_turns: true}}", "data.train.quarter_turns"},
      {"data: {tuples: a.tsv}\nsampler: {samples_per_class: 2}", "sampler: has no effect since data.tuples"},
      {"data: {kind: texts, text: {format: pairs}}\nsampler: {name: pk}",
       "sampler: has no effect since data.text"},
      {"data: {kind: texts, text: {format: labels, negatives: 2}}", "data.text.negatives"},
      {"data: {image: {crop: {scale_min: 0.2}}}", "data.image.crop.scale_min"},
      {"data: {loader: {max_bad_fraction: 0.5}}", "data.loader.max_bad_fraction"},
      {"evaluate: {text: {format: labels}}", "evaluate.text"},
      {"evaluate: {one_shot_ways: 5}", "evaluate.one_shot_ways"},
      {"loss: {name: triplet, soft_margin: true, margin: 0.3}", "loss.margin"},
      {"loss: supcon\nproxies: {sample_rate: 0.5}", "proxies"},
      {"memory: {size: 100}", "memory.size"},
      {"memory: {kind: xbm, momentum: 0.9}", "memory.momentum"},
      {"optimizer: {name: sgd, beta1: 0.8}", "optimizer.beta1"},
      {"schedule: {shape: cosine, milestones: [5]}", "schedule.milestones"},
      {"ema: {start_step: 5}", "ema.start_step"},
      {"max_non_finite: 5", "max_non_finite"},
      {"micro_shards: 4", "micro_shards"},
      {"checkpoint: {keep_best: {metric: eer}}", "checkpoint.keep_best.metric"},
      {"checkpoint: {keep_last: 0, keep_every: 10}", "checkpoint.keep_every"},
      {"checkpoint: {keep_last: 0, keep_best: {count: 1}}", "checkpoint.keep_best"},
      {"metrics: {user: ali, password_file: x}", "metrics.user"},
      {"metrics: {port: 0, certificate: x}", "metrics.certificate"},
      {"metrics: {port: null, per_rank: true}", "metrics.per_rank"},
      {"metrics: {address: 0.0.0.0}", "metrics.address"},
      {"metrics: {targets_file: x}", "metrics.targets_file"},
      {"metrics: {port: 9, password_file: x}", "metrics.password_file"},
      {"evaluate: {every: 5}", "evaluate.every"},
      {"evaluate: {floor: false}", "evaluate.floor"},
      {"evaluate: {summary: good}", "evaluate.summary"},
      {"evaluate: {one_shot_trials: 5}", "evaluate.one_shot_trials"},
      {"evaluate: {data: {class_filter: [a]}}", "evaluate.data.class_filter"},
      {"data: {train: {path: pictures, skip_incomplete: true}}", "data.train.skip_incomplete"},
      {"data: {train: {path: list.csv, index_cache: none}}", "data.train.index_cache"},
      {"data: {kind: image_texts, train: {path: a.tsv, skip_incomplete: true}}\nsampler: two_views",
       "data.train.skip_incomplete"},
      {"data: {train: {path: 'a-{0..9}.tar', split: test}}", "data.train.split"},
      {"data: {train: {path: pictures, mixture_weights: [1]}}", "data.train.mixture_weights"},
      {"data: {tuples: a.tsv, train: {class_filter: [a]}}", "data.train.class_filter"},
      {"data: {image: {grey: 0.2}}", "data.image.grey"},
      {"data: {image: {jitter: {hue: 0.2}}}", "data.image.jitter.hue"},
      {"data: {image: {affine_probability: 0, background: 1}}", "data.image.background"},
      {"schedule: {shape: step, drop: 0.5}", "schedule.drop"}};
  for (const auto& [yaml, key] : refused)
    EXPECT_THAT(error_of(yaml), AllOf(HasSubstr(key), HasSubstr("has no effect"), HasSubstr("run.yaml:")))
        << yaml;
}

TEST(KeysWithoutEffect, OfPartsThatAreInUseAreNot) {
  for (const char* fine :
       {"metrics: {port: 9, user: ali, password_file: x, per_rank: true}",
        "evaluate: {data: {path: b, class_filter: [a]}, every: 5, floor: false, summary: good}",
        "evaluate: {data: {index_cache: none}}",
        "data: {train: {path: 'a-{0..9}.tar', skip_incomplete: true}}",
        "data: {train: {mixture: [pictures, a.tar], mixture_weights: [1, 2], index_cache: none}}",
        "data: {train: {path: list.csv, split: test}}", "data: {tuples: a.tsv, train: {index_cache: none}}",
        "data: {image: {channels: 3, grey: 0.2, jitter: {hue: 0.2}}}",
        "schedule: {shape: step, milestones: [3], drop: 0.5}", "schedule: {steps: 20}"})
    EXPECT_EQ(error_of(fine), "no error") << fine;
  RunConfig config{Tables()};
  const std::string file =
      "metrics: {port: 9, user: ali}\nevaluate: {data: {path: b}, every: 5, one_shot_trials: 4, "
      "one_shot_ways: 3}\nschedule: {steps: 900, warmup_steps: 90}\nmicro_batch: 200\n";
  read_run_config(parse_yaml(file, "run.yaml"),
                  {"metrics.port=0", "evaluate.data.path=", "schedule.steps=5", "global_batch=8"}, "run",
                  config);
  EXPECT_EQ(config.evaluate.every, 0) << "--set has turned it off";
  EXPECT_EQ(config.training.schedule.warmup_steps, 90) << "kept, and told at the start";
}

TEST(KeysWithoutEffect, NumbersThatOthersBringToNothingAreRefused) {
  EXPECT_THAT(error_of("schedule: {steps: 20, warmup_steps: 20}"),
              AllOf(HasSubstr("run.yaml:1: schedule.warmup_steps: expected fewer"), HasSubstr("lower it")));
  EXPECT_THAT(error_of("global_batch: 64\nmicro_batch: 65"),
              HasSubstr("run.yaml:2: micro_batch: expected at most"));
  EXPECT_EQ(error_of("global_batch: 64\nmicro_batch: 64"), "no error");
}

TEST(VainSettings, AreReportedWithTheirKey) {
  const auto reported = [](const std::string& yaml, int world = 1) {
    RunConfig config{Tables()};
    read(yaml, config);
    std::string keys;
    for (const StartLine& line : settings_without_effect(config, world)) {
      EXPECT_TRUE(line.warns);
      keys += line.text.substr(0, line.text.find(':')) + " ";
    }
    return keys;
  };
  EXPECT_EQ(reported("schedule: {steps: 100}"), "");
  EXPECT_EQ(reported("schedule: {steps: 50}"), "schedule.warmup_steps ") << "the default, too";
  EXPECT_EQ(reported("schedule: {shape: step, milestones: [5, 1000]}"), "schedule.milestones ");
  EXPECT_EQ(reported("ema: {decay: 0.9, start_step: 1000}"), "ema.start_step ");
  EXPECT_EQ(reported("memory: {kind: xbm, start_step: 1000}"), "memory.start_step ");
  EXPECT_EQ(reported("global_batch: 64\nmicro_batch: 30"), "");
  EXPECT_EQ(reported("global_batch: 64\nmicro_batch: 30", 2), "");
  EXPECT_EQ(reported("global_batch: 64\nmicro_batch: 30", 3), "micro_batch ");
  EXPECT_EQ(reported("checkpoint: {keep_best: {count: 1}}"), "checkpoint.keep_best ");
  EXPECT_EQ(reported("checkpoint: {keep_best: {count: 1}}\nevaluate: {every: 5, data: {path: a}}"), "");
  const std::string texts = "data: {kind: texts, train: {path: ";
  EXPECT_EQ(reported(texts + "a.jsonl}, text: {multiline: true, header: 'yes'}}"),
            "data.text.multiline data.text.header ");
  EXPECT_EQ(reported(texts + "a.csv}, text: {multiline: true, header: 'yes'}}"), "");
}

TEST(ChangedSettings, AreThoseThatDifferBelowTheirKeys) {
  EXPECT_EQ(changed_settings("a: 1\nb:\n  c: 2\n  d:\n    e: 3\nf:\n  name: \"x\"\n  g: 4\n",
                             "a: 1\nb:\n  c: 2\n  d:\n    e: 5\nf:\n  name: \"x\"\n  g: 4\n"),
            "b:\n  d:\n    e: 3\nf:\n  name: \"x\"\n");
  EXPECT_EQ(changed_settings("a: 1\n", "a: 1\n"), "");
}

/// Each kind of data, small encoders of several kinds; in a folder of its own.
const std::vector<std::pair<std::string, std::string>>& kinds() {
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"grey pictures", grey_images("{name: conv4, channels: [8, 8, 8], embedding: 8}")},
      {"grey pictures, resnet18", grey_images("{name: resnet18, stem: small, width: 8}")},
      {"colour pictures, resnet50", colour_images("{name: resnet50, stem: small, width: 8}")},
      {"colour pictures, vit", colour_images("{name: vit_tiny, patch_size: 8, layers: 1}")},
      {"texts", texts("{name: bag_of_tokens}")},
      {"captions", captions()}};
  return all;
}

/// The lines that are neither of our log nor of our progress, and those of the log that LibTorch wrote.
std::string strangers(const std::string& err) {
  static const std::regex progress("step \\d+/\\d+ .*"), libtorch(".*(\\.cpp:\\d+|[Ss]trides).*");
  std::istringstream lines(err);
  std::string found;
  for (std::string line; std::getline(lines, line);)
    if (std::regex_match(line, libtorch) || !(is_log_line(line) || std::regex_match(line, progress)))
      found += line + "\n";
  return found;
}

TEST(Stderr, HasNothingButOurOwnLines) {
  for (const auto& [kind, config] : kinds()) {
    const SmallRun work(config);
    // One process has no reducer, so that it says nothing of its own about an encoder.
    for (const int ranks : kind == "grey pictures" ? std::vector{1, 2} : std::vector{2}) {
      const auto command = lodestone({"train", work.config(), "--resume", "none"});
      const Finished done = run(ranks == 1 ? command : mpirun(ranks, command));
      ASSERT_EQ(done.code, 0) << kind << done.err;
      EXPECT_EQ(strangers(done.err), "") << kind << " on " << ranks;
    }
  }
}

// Whatever else hands gradients round or makes LibTorch choose another way.
TEST(Stderr, IsOursWhateverIsSetBeside) {
  const SmallRun work(grey_images("{name: conv4, channels: [8, 8, 8], embedding: 8}"));
  using Words = std::vector<std::string>;
  for (const Words& settings :
       {Words{"batch_norm=sync", "optimizer.name=sgd"}, Words{"precision=bfloat16", "ema.decay=0.9"},
        Words{"exchange=ring", "micro_batch=4"}, Words{"determinism=canonical", "batch_norm=frozen"},
        Words{"loss=arcface", "optimizer.name=lamb"},
        Words{"loss=contrastive", "memory={kind: xbm, size: 40}", "optimizer.name=lars"}}) {
    Words words = {"train", work.config(), "--resume", "none"};
    for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
    const Finished done = run(mpirun(2, lodestone(words)));
    ASSERT_EQ(done.code, 0) << settings.front() << done.err;
    EXPECT_EQ(strangers(done.err), "") << settings.front();
  }
}

TEST(Start, ReportsWhatThereIsToTrainOn) {
  const Workspace work;
  work.write_config("loss: {name: supcon}\n");
  const Finished pk =
      run(lodestone({"train", work.config(), "--set", "schedule={steps: 1, warmup_steps: 0}"}));
  ASSERT_EQ(pk.code, 0) << pk.err;
  EXPECT_THAT(pk.err,
              AllOf(HasSubstr("loss supcon (temperature 0.1), miner all (auto), encoder conv4 of width 8, "
                              "device cpu, precision float32"),
                    HasSubstr("48 samples of 8 classes, of which 0 have one sample"),
                    HasSubstr("100 % of the anchors have a positive"), HasSubstr("16 x 16 grey")));
  EXPECT_LT(pk.err.find("loss supcon"), pk.err.find('\n')) << "the first line: " << pk.err;
}

TEST(Start, WarnsOfABatchWithoutPositivesAndOfTrainingThatStandsStill) {
  const Workspace work;
  for (int c = 0; c < 30; ++c)
    write_png(work.path("lonely/" + std::to_string(c) + "/a.png"), drawn_image(c, 0));
  work.write_config("loss: {name: supcon}\n");
  const Finished lonely = run(
      mpirun(2, lodestone({"train", work.config(), "--set", "data.train.path=lonely", "--set",
                           "sampler={name: shuffle}", "--set", "schedule={steps: 25, warmup_steps: 2}"})));
  ASSERT_EQ(lonely.code, 0) << lonely.err;
  EXPECT_THAT(lonely.err,
              AllOf(HasSubstr("of which 30 have one sample"), HasSubstr("0 % of the anchors have a positive"),
                    HasSubstr("no anchor has a positive in its batch")));
  EXPECT_EQ(lonely.err.find("nothing is learned"), lonely.err.rfind("nothing is learned"))
      << "once, by one rank";
}

TEST(Start, WarnsOfColoursThatAreNotSeen) {
  const SmallRun work(colour_images("{name: conv4, channels: [8, 8, 8], embedding: 8}"));
  const Finished grey = run(lodestone({"train", work.config(), "--set", "data.image.channels=1"}));
  ASSERT_EQ(grey.code, 0) << grey.err;
  EXPECT_THAT(grey.err, HasSubstr("data.image.channels: 3"));
  const Finished colour = run(lodestone({"train", work.config(), "--resume", "none"}));
  EXPECT_THAT(colour.err,
              AllOf(HasSubstr("in colour, trained on as"), Not(HasSubstr("data.image.channels: 3"))));
}

TEST(Start, ReportsHowManyTextsLoseTheirEnd) {
  const SmallRun work(texts("{name: bag_of_tokens}"));
  const Finished cut = run(lodestone({"train", work.config(), "--set", "data.text.tokenizer.max_tokens=4"}));
  ASSERT_EQ(cut.code, 0) << cut.err;
  EXPECT_THAT(cut.err, HasSubstr("tokens: 100 % of the texts are longer than 4 tokens and are truncated"));
}

}  // namespace
}  // namespace lodestone::testing
