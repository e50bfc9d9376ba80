#include "trainer/init/init.h"

#include <cmath>
#include <filesystem>

#include "common/counted.h"
#include "common/error.h"
#include "common/output_file.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "trainer/init/find.h"
#include "trainer/init/held_out.h"
#include "trainer/init/measured.h"
#include "trainer/init/plan.h"
#include "trainer/init/probe.h"
#include "trainer/init/vocabulary.h"

namespace lodestone::init {

namespace {

namespace fs = std::filesystem;

std::string output_of(const Options& options) {
  if (!options.output.empty()) return options.output;
  std::string name;
  for (const char c : absolute_path(options.from).lexically_normal().filename().string()) {
    if (c == '.' && !name.empty()) break;
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    if (plain) name += c;
  }
  return (name.empty() ? "init" : name) + ".yaml";
}

void check_free(const std::string& file, const Options& options) {
  if (!options.force && path_exists(file))
    throw ConfigError("init: expected to make " + printable(file) +
                      ", which exists already; give another --output, or --force to replace it");
}

std::string percent(double share) {
  return compact(std::round(100 * share)) + " %";
}

std::string describe_images(const survey::ImageSurvey& images) {
  if (images.read == 0) return "";
  return "; " + std::string(images.is_drawing() ? "drawings" : "photographs") + " of " +
         compact(images.width.median) + " x " + compact(images.height.median) + " pixels, " +
         (images.is_coloured() ? "coloured" : "grey") + " (looked at " + counted(images.read, "image") + ")" +
         (images.damaged == 0 ? ""
                              : "; " + std::to_string(images.damaged) +
                                    " of them could not be read: " + images.first_damaged);
}

std::string describe_texts(const survey::TextSurvey& texts) {
  if (texts.read == 0) return "";
  return "; texts of " + compact(std::round(texts.words.median)) + " words" +
         (texts.is_multilingual() ? ", in several languages or scripts (" + percent(texts.not_latin) +
                                        " of the letters are not Latin)"
                                  : "") +
         " (looked at " + std::to_string(texts.read) + ")";
}

std::string range_of(const survey::Spread& spread) {
  return spread.low == spread.high ? compact(spread.low)
                                   : compact(spread.low) + " to " + compact(spread.high);
}

std::string describe(const Finding& finding, const Measured& measured) {
  const std::string path = finding.tuples.empty() ? finding.train.path : finding.tuples;
  std::string text = printable(path) + ": " + finding.what;
  if (measured.train.samples > 0)
    text += "; " + counted(measured.train.samples, "sample") + " of " +
            counted(measured.train.classes, "class", "classes") + ", " + range_of(measured.train.per_class) +
            " each";
  else
    text += "; " + counted(measured.rows, "row");
  return text + describe_images(measured.images) + describe_texts(measured.texts);
}

std::vector<std::string> head_of(const Options& options, const Made& made) {
  std::vector<std::string> head{"Written by `lodestone init --from " + printable(options.from) +
                                    " --minutes " + compact(options.minutes) +
                                    "`. Every line may be changed.",
                                "Found: " + made.found + "."};
  for (const std::string& guess : made.guessed) head.push_back("Guessed: " + guess + ".");
  for (const std::string& other : made.others) head.push_back("Not used: " + other + ".");
  head.push_back("Train with: lodestone train " + printable(made.configuration) +
                 " (paths are relative to the folder in which it is started).");
  return head;
}

void make_texts(const Finding& finding, const Measured& measured, Made& made, Wishes& wishes) {
  const auto texts = open_training_texts(finding);
  if (!texts) return;
  const auto evaluated = open_evaluation_texts(finding);
  const Vocabulary vocabulary = make_vocabulary(*texts, evaluated.get(), measured.texts, wishes.vocabulary);
  wishes.max_tokens = vocabulary.max_tokens;
  wishes.why_max_tokens = vocabulary.cuts_many ? "longer texts are cut, of which there are some"
                                               : "99 of 100 texts have no more, of evaluation too";
  made.vocabulary = wishes.vocabulary;
  made.chosen.push_back("a vocabulary of " + counted(vocabulary.pieces, "word piece") +
                        ", texts of at most " + counted(vocabulary.max_tokens, "token"));
}

// An evaluation of all that is there would not leave time for training.
void use_less(sampler::DataPart& part, double share, Plan& plan) {
  part.to = part.from + share * (part.to - part.from);
  const std::string sentence =
      "about " + percent(share) + " of the data for evaluation are used, since all of them take too long";
  plan.set("evaluate.data.part", yaml_part(part), sentence);
  plan.say(sentence);
}

// Reads the configuration as `lodestone train` will.
void read_back(const Plan& plan, const std::string& name, run::RunConfig& config) {
  run::read_run_config(parse_yaml(plan.yaml({}), name), {}, fs::path(name).stem().string(), config);
}

}  // namespace

Made make_configuration(const Options& options, const run::Tables& tables) {
  Made made;
  made.configuration = output_of(options);
  Wishes wishes{.vocabulary = fs::path(made.configuration).replace_extension(".vocab.txt")};
  check_free(made.configuration, options);
  Finding finding = find(options.from);
  if (finding.content == Content::kTexts || finding.content == Content::kCaptions)
    check_free(wishes.vocabulary, options);
  const Measured measured = measure(finding);
  made.found = describe(finding, measured);
  made.guessed = finding.guesses;
  made.others = finding.others;
  const HeldOut held = hold_out(finding, measured);
  make_texts(finding, measured, made, wishes);
  Plan plan = make_plan(finding, measured, held, wishes);
  run::RunConfig config(tables);
  read_back(plan, made.configuration, config);
  const Probe probed = probe(config);
  const RunBudget budget = budget_run(plan, probed, finding.content, options.minutes);
  plan_steps(plan, budget.steps, budget.evaluations, budget.reason);
  if (budget.evaluated < 1) use_less(finding.evaluate.part, budget.evaluated, plan);
  made.measured = counted(probed.steps, "real step") + " on " + probed.device + ": " +
                  counted(budget.steps, "step") + " are " + budget.reason;
  made.chosen.insert(made.chosen.end(), plan.chosen().begin(), plan.chosen().end());
  write_output(made.configuration, plan.yaml(head_of(options, made)));
  run::RunConfig written(tables);
  run::load_run_config(made.configuration, {}, written);
  return made;
}

}  // namespace lodestone::init
