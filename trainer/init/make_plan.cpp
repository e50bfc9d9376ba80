#include <algorithm>

#include "common/counted.h"
#include "common/cpu_count.h"
#include "common/text_format.h"
#include "trainer/init/batch.h"
#include "trainer/init/plan.h"
#include "trainer/init/plan_images.h"

namespace lodestone::init {

namespace {

using sampler::TextFormat;

constexpr int64_t kImageRows = 256, kTextRows = 512;
constexpr int64_t kFewImages = 2000;
constexpr int kCpusPerLoader = 4;
constexpr int64_t kWarmUpPart = 20;
constexpr int64_t kCheckpoints = 4;

/// What the parts of a plan are made from.
struct Facts {
  const Finding& finding;
  const Measured& measured;
  const Wishes& wishes;
  const HeldOut& held;
};

void plan_source(Plan& plan, const std::string& key, const sampler::ImageSourceConfig& source,
                 const std::string& reason) {
  plan.set(key + ".path", yaml_text(source.path));
  if (!source.split.empty()) plan.set(key + ".split", yaml_text(source.split));
  if (source.other_columns == sampler::OtherColumns::kIgnore)
    plan.set(key + ".other_columns", "ignore", "columns that nothing reads");
  if (!source.part.is_whole()) plan.set(key + ".part", yaml_part(source.part), reason);
}

void plan_layout(Plan& plan, const std::string& key, const sampler::TextLayout& text, bool for_training) {
  if (text.format != TextFormat::kCaptions && text.format != TextFormat::kLabels)
    plan.set(key + ".format", sampler::name_of(text.format));
  if (!text.columns.empty()) plan.set(key + ".columns", yaml_list(text.columns));
  if (text.header != AutoYesNo::kAuto)
    plan.set(key + ".header", "\"" + choice_name(text.header, kAutoYesNo) + "\"");
  if (for_training && text.same_from)
    plan.set(key + ".same_from", *text.same_from, "the grade from which two texts count as the same");
}

void plan_tokenizer(Plan& plan, const Facts& facts) {
  const bool marks = facts.measured.texts.not_latin > 0.02;
  plan.set("data.text.tokenizer.path", yaml_text(facts.wishes.vocabulary),
           "made beside this file, from the training texts");
  if (marks)
    plan.set("data.text.tokenizer.strip_accents", "\"no\"",
             "marks are part of the letters in some of these writing systems");
  plan.set("data.text.tokenizer.max_tokens", facts.wishes.max_tokens, facts.wishes.why_max_tokens);
}

void plan_loader(Plan& plan) {
  const int workers = std::max(1, cpu_count() / kCpusPerLoader);
  if (workers > 1) plan.set("data.loader.workers", int64_t{workers}, "one for four of the processors");
  plan.set("data.loader.on_bad_record", "skip", "a damaged sample is left out and reported, up to 1 %");
}

void plan_tuples(Plan& plan, const Facts& facts) {
  plan.set("data.tuples", yaml_text(facts.finding.tuples));
  const sampler::DataPart& part = facts.finding.train.part;
  if (!part.is_whole()) plan.set("data.train.part", yaml_part(part), facts.held.sentence);
}

void plan_data(Plan& plan, const Facts& facts) {
  const Finding& finding = facts.finding;
  const bool has_images = finding.content != Content::kTexts;
  const bool has_texts = finding.content == Content::kTexts || finding.content == Content::kCaptions;
  if (finding.content == Content::kTexts) plan.set("data.kind", "texts");
  if (finding.content == Content::kCaptions) plan.set("data.kind", "image_texts");
  if (finding.content == Content::kImageTuples)
    plan_tuples(plan, facts);
  else
    plan_source(plan, "data.train", finding.train, facts.held.sentence);
  if (has_images) plan_image(plan, facts.measured.images);
  if (has_texts) {
    plan_layout(plan, "data.text", finding.text, true);
    plan_tokenizer(plan, facts);
  }
  plan_loader(plan);
}

// Classes that the sampler draws from: labelled images and texts.
void plan_classes(Plan& plan, const Facts& facts, int64_t rows) {
  const BatchShape shape = shape_of_batch(facts.held.train, rows);
  const bool has_images = facts.finding.content == Content::kImages;
  plan.batch = shape.rows();
  plan.samples = facts.held.train.samples;
  plan.set("global_batch", plan.batch,
           counted(shape.classes, "class", "classes") + " x " + counted(shape.samples, "sample"));
  plan_data(plan, facts);
  plan.set("sampler.name", "pk", "every batch has several samples of each of its classes");
  plan.set("sampler.samples_per_class", shape.samples);
  if (shape.repeats)
    plan.set("sampler.allow_small_classes", "true",
             has_images ? "classes with fewer samples repeat them, each time augmented differently"
                        : "classes with fewer samples repeat them");
  plan.say("batches of " + counted(shape.classes, "class", "classes") + " x " +
           counted(shape.samples, "sample"));
}

// Rows that the data give: pairs, triplets, queries, tuples, captions.
void plan_rows(Plan& plan, const Facts& facts, int64_t rows, const std::string& unit) {
  const int64_t width = facts.measured.samples_per_row;
  plan.batch = rows_of_batch(facts.held.rows, width, rows);
  plan.samples = facts.held.rows * width;
  plan.set("global_batch", plan.batch, counted(plan.batch / width, unit));
  plan_data(plan, facts);
  if (facts.finding.content == Content::kCaptions)
    plan.set("sampler.name", "two_views", "an image and one of its captions");
  plan.say("batches of " + counted(plan.batch / width, unit));
}

void plan_loss(Plan& plan, const std::string& yaml, const std::string& reason) {
  plan.set("loss", yaml, reason);
  plan.say("loss " + yaml.substr(yaml.find(' ') + 1, yaml.find_first_of(",}") - yaml.find(' ') - 1));
}

void plan_optimizer(Plan& plan, const std::string& rate) {
  plan.set("optimizer", "{name: adamw, learning_rate: " + rate + ", weight_decay: 0.0001}");
}

void plan_bag(Plan& plan) {
  plan.set("encoder", "{name: bag_of_tokens, width: 256}",
           "the mean of a vector for each word piece: learns in minutes, without pretrained weights");
  plan.say("encoder bag_of_tokens");
}

void plan_labelled_images(Plan& plan, const Facts& facts) {
  const bool drawing = facts.measured.images.is_drawing();
  plan_classes(plan, facts, kImageRows);
  plan_convolutions(plan, "encoder.", facts.measured.images, plan.samples, 256);
  plan.say("encoder conv4");
  plan_loss(plan, "{name: supcon, temperature: 0.05}",
            "all rows of one class are pulled together, all others apart");
  plan.set("batch_norm", "sync", "the same curve on any number of ranks");
  plan_optimizer(plan, drawing && plan.samples >= kFewImages ? "0.005" : "0.002");
}

void plan_image_tuples(Plan& plan, const Facts& facts) {
  const bool pairs = facts.measured.has_pair_labels;
  plan_rows(plan, facts, kImageRows, pairs ? "pair" : "triplet");
  plan_convolutions(plan, "encoder.", facts.measured.images, plan.samples, 256);
  plan.say("encoder conv4");
  if (pairs)
    plan_loss(plan, "{name: contrastive, margin: 1, squared: true}",
              "pairs labelled 1 come close, others at least 1 apart");
  else
    plan_loss(plan, "{name: triplet, margin: 0.2}", "the positive is closer than the negative by 0.2");
  plan.set("batch_norm", "sync", "the same curve on any number of ranks");
  plan_optimizer(plan, "0.002");
}

void plan_captions(Plan& plan, const Facts& facts) {
  plan_rows(plan, facts, kTextRows, "captioned image");
  plan.set("data.image.flip", int64_t{0}, "captions may speak of left and right");
  plan.set("encoder.name", "two_tower", "one encoder of images, one of captions");
  plan_convolutions(plan, "encoder.image.", facts.measured.images, facts.held.rows, 128);
  plan.set("encoder.text", "{name: bag_of_tokens, width: 128}");
  plan.set("encoder.embedding", int64_t{128});
  plan.say("encoder two_tower of conv4 and bag_of_tokens");
  plan_loss(plan, "{name: clip}", "an image finds its caption among those of the batch, and the reverse");
  plan.set("batch_norm", "sync", "the same curve on any number of ranks");
  plan_optimizer(plan, "0.001");
}

void plan_texts(Plan& plan, const Facts& facts) {
  const TextFormat format = facts.finding.text.format;
  if (format == TextFormat::kLabels)
    plan_classes(plan, facts, kTextRows);
  else
    plan_rows(plan, facts, kTextRows,
              format == TextFormat::kTriplets ? "triplet"
              : format == TextFormat::kPairs  ? "pair"
                                              : "row");
  plan_bag(plan);
  if (format == TextFormat::kLabels)
    plan_loss(plan, "{name: supcon, temperature: 0.05}",
              "all texts of one class are pulled together, all others apart");
  else if (format == TextFormat::kTriplets)
    plan_loss(plan, "{name: triplet, margin: 0.2}", "the positive is closer than the negative by 0.2");
  else if (facts.measured.has_pair_labels)
    plan_loss(plan, "{name: contrastive, margin: 1, squared: true}",
              "pairs labelled 1 come close, others at least 1 apart");
  else
    plan_loss(plan, "{name: infonce, temperature: 0.05}",
              "a text finds its partner among all texts of the batch");
  plan_optimizer(plan, "0.005");
}

struct ContentPlan {
  Content content;
  void (*plan)(Plan& plan, const Facts& facts);
};
constexpr ContentPlan kPlans[] = {
    {.content = Content::kImages, .plan = plan_labelled_images},
    {.content = Content::kImageTuples, .plan = plan_image_tuples},
    {.content = Content::kCaptions, .plan = plan_captions},
    {.content = Content::kTexts, .plan = plan_texts},
};

void plan_evaluation(Plan& plan, const Facts& facts) {
  if (!facts.held.exists) return;
  plan.set("evaluate.every", int64_t{0});
  plan_source(plan, "evaluate.data", facts.finding.evaluate, "");
  if (facts.finding.content == Content::kTexts || facts.finding.content == Content::kCaptions)
    plan_layout(plan, "evaluate.text", facts.finding.text, false);
  plan.set("evaluate.summary", yaml_text(facts.held.summary));
}

}  // namespace

void plan_steps(Plan& plan, int64_t steps, int64_t evaluations, const std::string& reason) {
  plan.set("schedule.steps", steps, reason);
  plan.set("schedule.warmup_steps", std::max<int64_t>(1, steps / kWarmUpPart));
  const auto every = [steps](int64_t count) { return (steps + count - 1) / count; };
  if (evaluations > 0) plan.set("evaluate.every", every(evaluations));
  plan.set("checkpoint.every_steps", every(kCheckpoints));
}

Plan make_plan(const Finding& finding, const Measured& measured, const HeldOut& held, const Wishes& wishes) {
  const Facts facts{finding, measured, wishes, held};
  Plan plan;
  plan.classes_evaluate = facts.held.classes_evaluate;
  plan.set("seed", int64_t{1});
  for (const ContentPlan& row : kPlans)
    if (row.content == finding.content) row.plan(plan, facts);
  plan.set("schedule.steps", int64_t{0});  // in its place; plan_steps sets the value
  plan.set("schedule.warmup_steps", int64_t{0});
  plan_evaluation(plan, facts);
  plan.set("checkpoint.every_steps", int64_t{0});
  plan.set("distributed.device", "auto", "a GPU if there is one");
  plan.say(facts.held.sentence);
  plan_steps(plan, 1000, facts.held.exists ? kEvaluations : 0, "");
  return plan;
}

}  // namespace lodestone::init
