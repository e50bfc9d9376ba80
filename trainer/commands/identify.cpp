#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>

#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "sampler/codecs/thumbnail.h"
#include "trainer/commands/answer_page.h"
#include "trainer/commands/shared_options.h"
#include "trainer/commands/shown_answers.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/trained_model.h"
#include "trainer/search/gallery.h"
#include "trainer/search/identity_search.h"

namespace lodestone::commands {

namespace {

namespace fs = std::filesystem;

struct IdentifyArguments {
  std::string gallery;
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::vector<std::string> inputs;
  std::optional<double> threshold;
  int64_t k = 5;
  std::string json;
  std::string html;
};

/// An image and its candidates, best first.
struct Identified {
  search::EmbeddedRow query;  ///< its label is the class folder that it is in, if any
  std::vector<search::Identity> found;
  bool known = false;  ///< whether the best candidate reaches the threshold

  std::string who() const { return known ? found.front().name : "unknown"; }
};

/// All that was identified.
struct Answers {
  double threshold = 0;
  std::vector<Identified> all;
  int64_t left_out = 0;
  int64_t enrolled = 0;  ///< queries that are in the gallery themselves
  bool texts = true;     ///< all of them
  std::string source;    ///< what ids of queries are relative to
};

std::string page_of(const Answers& identified, const search::Embeddings& gallery,
                    const IdentifyArguments& arguments, Logger& log) {
  std::vector<search::SearchAnswer> answers;
  for (const Identified& one : identified.all) {
    answers.push_back({.query = one.query, .hits = {}, .verdict = one.who()});
    for (const search::Identity& identity : one.found) {
      answers.back().hits.push_back(search::hit_of(identity.row, identity.score, gallery));
      answers.back().hits.back().same = identity.score >= identified.threshold;
    }
  }
  std::vector<std::string> folders = arguments.inputs;
  folders.push_back(absolute_path(arguments.gallery).parent_path());
  return answer_page("Identified", answers, {folders, identified.source, gallery.fact("source")}, log);
}

nlohmann::json to_json(const Identified& one) {
  nlohmann::json candidates = nlohmann::json::array();
  for (const search::Identity& identity : one.found)
    candidates.push_back(
        {{"name", identity.name}, {"score", identity.score}, {"photograph", identity.photograph}});
  return {{"query", one.query.id},
          {"name", one.known ? nlohmann::json(one.who()) : nlohmann::json()},
          {"candidates", candidates}};
}

/// Counts correct answers where folders name the identity of the images, or texts have labels. "unknown" is
/// correct for an identity that is not in the gallery.
std::string summary_of(const Answers& answers, const search::Embeddings& gallery) {
  const std::vector<Identified>& all = answers.all;
  std::set<std::string> names;
  for (const search::Identity& identity : search::identities(gallery)) names.insert(identity.name);
  size_t labelled = 0, right = 0, mistaken = 0, missed = 0;
  for (const Identified& one : all) {
    if (one.query.label.empty()) continue;
    ++labelled;
    const std::string truth = names.contains(one.query.label) ? one.query.label : "unknown";
    if (one.who() == truth)
      ++right;
    else
      ++(one.known ? mistaken : missed);
  }
  const auto known = std::ranges::count_if(all, &Identified::known);
  std::string text = counted(static_cast<int64_t>(all.size()), answers.texts ? "text" : "image") + ": " +
                     std::to_string(known) + " known, " +
                     std::to_string(static_cast<int64_t>(all.size()) - known) + " unknown";
  if (labelled == 0) return text;
  return text + "; compared with " + (answers.texts ? "their labels" : "the names of their folders") + ", " +
         std::to_string(right) + " of " + std::to_string(labelled) + " right, " + std::to_string(mistaken) +
         " confused with another identity, " + std::to_string(missed) + " not recognised";
}

std::string answers_json(const Answers& answers) {
  nlohmann::json json = {{"threshold", answers.threshold},
                         {"left_out", answers.left_out},
                         {"in_gallery", answers.enrolled},
                         {"answers", nlohmann::json::array()}};
  for (const Identified& one : answers.all) json["answers"].push_back(to_json(one));
  return json_text(json, 2) + "\n";
}

void print_identified(const Answers& answers, const search::Embeddings& gallery,
                      const std::vector<std::string>& files) {
  const std::vector<Identified>& all = answers.all;
  if (prints_each_answer(all.size(), !files.empty()))
    for (const Identified& one : all)
      std::cout << printable(one.query.id) << '\t' << printable(one.who()) << '\t'
                << (one.found.empty() ? "" : decimal(one.found.front().score, 4)) << '\n';
  if (all.size() < 2) return;
  // On stderr, apart from the lines that scripts read, unless the user asks for a file.
  (files.empty() ? std::cerr : std::cout)
      << summary_of(answers, gallery) << (files.empty() ? "" : ": ") << joined(files) << std::endl;
}

double threshold_of(const IdentifyArguments& arguments,
                    const std::optional<search::Calibration>& calibration) {
  if (arguments.threshold) return *arguments.threshold;
  if (calibration) return calibration->threshold;
  throw ConfigError(
      "identify: expected a threshold, got none; `lodestone evaluate MODEL --calibrate 0.001` sets one at a "
      "false accept rate, or give --threshold");
}

/// Identifies the samples of one input after another.
class Identifier {
 public:
  Identifier(coordinator::RunContext& context, run::TrainedModel& model, const search::Embeddings& gallery,
             const IdentifyArguments& arguments)
      : context_(context), model_(model), arguments_(arguments), search_(gallery) {
    answers_.threshold = threshold_of(arguments, model.calibration(*context.log));
    for (const search::EmbeddedRow& row : gallery.rows_N)
      places_.insert(run::row_place(gallery.fact("source"), row.id));
  }

  void add(const std::string& path) {
    const run::StoredContent shown{.thumbnail_side = arguments_.html.empty() ? 0 : sampler::kThumbnailSide};
    const run::Input input = run::open_input(model_.config(), path);
    run::report_left_out(context_, path, input.dataset());
    const engine::Embedded embedded = model_.embed_all(context_, input.examples);
    answers_.left_out += embedded.left_out;
    answers_.texts = answers_.texts && input.texts;
    const bool alone = arguments_.inputs.size() == 1;
    if (alone) answers_.source = input.source;
    auto found = search_.identify(embedded.z_ND, arguments_.k);
    for (size_t i = 0; i < found.size(); ++i) {
      const bool known = !found[i].empty() && found[i].front().score >= answers_.threshold;
      search::EmbeddedRow row = input.row(embedded.indices[i], shown);
      answers_.enrolled += places_.contains(input.place_of(row));
      if (!alone)
        row.id = run::row_place(is_folder(path) ? path : fs::path(path).parent_path().string(), row.id);
      answers_.all.push_back({std::move(row), std::move(found[i]), known});
    }
  }

  const Answers& answers() const { return answers_; }

 private:
  coordinator::RunContext& context_;
  run::TrainedModel& model_;
  const IdentifyArguments& arguments_;
  const search::IdentitySearch search_;
  std::set<std::string> places_;  ///< of the gallery's rows
  Answers answers_;
};

void warn_of_enrolled(const Answers& answers, Logger& log) {
  const int64_t count = answers.enrolled;
  if (count > 0)
    log.warn("{} in the gallery already and find themselves, which says nothing about others",
             counted(count, answers.texts ? "text" : "image") + (count == 1 ? " is" : " are"));
}

int run_identify(const IdentifyArguments& arguments, const run::Tables& tables) {
  return run::with_model(tables, arguments, [&](coordinator::RunContext& context, run::TrainedModel& model) {
    run::check_alone(context, "identify");
    const search::Embeddings gallery = search::read_embeddings(arguments.gallery);
    model.check_made_here(gallery, arguments.gallery,
                          "add its photographs to a new gallery with `lodestone gallery add`");
    Identifier identifier(context, model, gallery, arguments);
    for (const std::string& path : arguments.inputs) identifier.add(path);
    const Answers& answers = identifier.answers();
    // Before anything is printed, since the reader of the output may have gone.
    std::vector<std::string> files;
    if (!arguments.json.empty()) {
      write_output(arguments.json, answers_json(answers));
      files.push_back(arguments.json);
    }
    if (!arguments.html.empty()) {
      write_output(arguments.html, page_of(answers, gallery, arguments, *context.log));
      files.push_back(arguments.html);
    }
    print_identified(answers, gallery, files);
    warn_of_enrolled(answers, *context.log);
    return static_cast<int>(kDone);
  });
}

}  // namespace

void add_identify(CLI::App* identify, Action& action) {
  auto arguments = on<IdentifyArguments>(identify, action, run_identify);
  add_model(identify, arguments->model)->required();
  add_gallery(identify, arguments->gallery, kGalleryDoc)->check(CLI::ExistingFile);
  add_old_spelling(identify, "--image", "--input");
  add_input(identify, arguments->inputs, "Images, and folders of images, to identify")
      ->required()
      ->check(CLI::ExistingPath);
  identify->add_option("--threshold", arguments->threshold,
                       "Lowest score at which an identity is accepted (default: the calibrated threshold)");
  identify->add_option("-k", arguments->k, "Number of candidates per image in the JSON file")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_path(identify, "--json", arguments->json, "File for the answers and candidates as JSON");
  add_path(identify, "--html", arguments->html, "File for an HTML page that shows images and candidates");
  add_set(identify, arguments->assignments);
  add_allow_code(identify, arguments->allow_code);
}

}  // namespace lodestone::commands
