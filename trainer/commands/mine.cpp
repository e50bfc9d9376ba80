#include <filesystem>
#include <iostream>
#include <optional>

#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "sampler/sources/tuple_names.h"
#include "trainer/commands/choice_option.h"
#include "trainer/commands/mined_page.h"
#include "trainer/commands/next_step.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/embedding.h"
#include "trainer/eval/sharing.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/trained_model.h"
#include "trainer/search/hard_negatives.h"

namespace lodestone::commands {

namespace {

enum class TupleForm { kTriplets, kPairs };
constexpr Choice<TupleForm> kTupleForms[] = {{"triplets", TupleForm::kTriplets},
                                             {"pairs", TupleForm::kPairs}};

struct MineArguments {
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string input;
  std::string output;
  std::string html;
  TupleForm form = TupleForm::kTriplets;
  int64_t per_anchor = 1;
  double margin = 0.1;
  double max_score = 0.98;
};

namespace fs = std::filesystem;

sampler::TupleNames image_names(const run::Input& input, const sampler::ImageSourceConfig& config,
                                const fs::path& output) {
  if (input.source.empty())
    throw ConfigError(
        "mine: expected one folder, list or pattern of shards, got a mixture; name one of its parts with "
        "--input");
  if (config.quarter_turns)
    throw ConfigError(
        "mine: expected images as they are in files, got evaluate.data.quarter_turns; set it to false");
  return {input.dataset(), input.source, output, "mine"};
}

/// One line of the output.
struct Listed {
  std::vector<int64_t> rows;  ///< anchor, positive, negative, or a pair: first as rows, then as samples
  std::optional<int> same;    ///< set for a pair
};

// As pairs: each anchor once with its positive, and once with each of its negatives.
std::vector<Listed> listed_lines(const std::vector<search::MinedTriplet>& triplets, TupleForm form) {
  std::vector<Listed> lines;
  for (size_t i = 0; i < triplets.size(); ++i) {
    const search::MinedTriplet& t = triplets[i];
    if (form == TupleForm::kTriplets) {
      lines.push_back({{t.anchor, t.positive, t.negative}, {}});
      continue;
    }
    if (i == 0 || triplets[i - 1].anchor != t.anchor) lines.push_back({{t.anchor, t.positive}, 1});
    lines.push_back({{t.anchor, t.negative}, 0});
  }
  return lines;
}

std::string image_lines(const sampler::TupleNames& name, const std::vector<Listed>& lines) {
  std::string text;
  for (const Listed& line : lines) {
    std::string names;
    for (const int64_t row : line.rows) names += (names.empty() ? "" : "\t") + name(row);
    text += names + (line.same ? "\t" + std::to_string(*line.same) : "") + "\n";
  }
  return text;
}

std::string text_lines(const run::Input& input, const std::vector<Listed>& lines) {
  std::string text;
  for (const Listed& line : lines) {
    nlohmann::json object;
    const std::vector<const char*> names =
        line.same ? std::vector{"sentence1", "sentence2"} : std::vector{"anchor", "positive", "negative"};
    for (size_t i = 0; i < names.size(); ++i) object[names[i]] = input.text(line.rows[i]);
    if (line.same) object["label"] = *line.same;
    text += json_text(object) + "\n";
  }
  return text;
}

int mine_input(coordinator::RunContext& context, run::TrainedModel& model, const MineArguments& arguments) {
  const run::Input input = run::open_input(model.config(), arguments.input);
  const fs::path output = arguments.output;
  std::optional<sampler::TupleNames> names;
  if (!input.texts)
    names.emplace(image_names(input, model.config().evaluate.data, output));
  else if (output.extension() != ".jsonl")
    throw ConfigError("mine: expected --output *.jsonl for texts, got " + output.string());
  run::report_left_out(context, input.source, input.dataset());
  run::BadRecordReporter reporter(input.dataset().size(), model.config().data.loader.bad_records);
  const engine::Embedded all =
      run::embed_readable(context, "mine", *model.config().encoder, context.launch.device(), input.examples,
                          model.config().data.loader, reporter);
  std::vector<uint64_t> ids;
  for (const int64_t i : all.indices) ids.push_back(input.dataset().id(i));
  const eval::LabelledRows rows{all.z_ND, all.groups, all.labels};
  const eval::ItemRange share = eval::range_of_rank(all.z_ND.size(0), context.world);
  const auto mined = search::without_repeats(
      eval::gather_items(context.world, search::mine_triplets(
                                            rows, ids, share.begin, share.end,
                                            {arguments.per_anchor, arguments.margin, arguments.max_score})),
      ids);
  if (!context.is_main_rank()) return kDone;
  if (mined.empty())
    throw DataError("mine: expected hard negatives, got none: no negative of " +
                    counted(rows.x_ND.size(0), "sample") + " lies within the margin; raise --margin");
  std::vector<Listed> lines = listed_lines(mined, arguments.form);
  for (Listed& line : lines)
    for (int64_t& row : line.rows) row = all.indices[static_cast<size_t>(row)];
  const Replacement replacement(output);
  write_output(output, names ? image_lines(*names, lines) : text_lines(input, lines));
  replacement.report(*context.log);
  if (!arguments.html.empty()) write_output(arguments.html, mined_page(mined, rows, all.indices, input));
  std::cout << arguments.output << ": "
            << counted(static_cast<int64_t>(lines.size()),
                       arguments.form == TupleForm::kPairs ? "pair" : "triplet")
            << " from " << counted(rows.x_ND.size(0), "sample") << run::left_out_note(all.left_out)
            << std::endl;
  log_next(*context.log, {"init", "--from", arguments.output});
  return kDone;
}

int run_mine(const MineArguments& arguments, const run::Tables& tables) {
  return run::with_model(tables, arguments, [&](coordinator::RunContext& context, run::TrainedModel& model) {
    return mine_input(context, model, arguments);
  });
}

}  // namespace

void add_mine(CLI::App* mine, Action& action) {
  auto arguments = on<MineArguments>(mine, action, run_mine);
  add_model(mine, arguments->model)->required();
  add_input(mine, arguments->input,
            "Labelled samples to mine: folder, list, shards or text file (default: evaluate.data)");
  add_output(mine, arguments->output,
             "File for the tuples: *.tsv for images, in their folder or above it; *.jsonl for texts");
  add_path(mine, "--html", arguments->html,
           "File for an HTML page of the most similar negatives, to see whether their labels are right");
  add_defaulted_choice(mine, "--format", arguments->form, kTupleForms,
                       "Form of a line: triplets, or pairs labelled 1 (same class) or 0");
  mine->add_option("--per-anchor", arguments->per_anchor, "Number of negatives per anchor")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  mine->add_option("--margin", arguments->margin,
                   "Margin in cosine similarity: a negative counts if its score exceeds the score of the "
                   "positive minus the margin")
      ->check(CLI::Range(0.0, 2.0))
      ->capture_default_str();
  mine->add_option(
          "--max-score", arguments->max_score,
          "Largest cosine similarity of a negative; a closer one is assumed to be mislabelled and is skipped")
      ->check(CLI::Range(-1.0, 1.0))
      ->capture_default_str();
  add_set(mine, arguments->assignments);
  add_allow_code(mine, arguments->allow_code);
}

}  // namespace lodestone::commands
