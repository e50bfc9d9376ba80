#include <algorithm>
#include <utility>

#include "common/rng.h"
#include "sampler/texts/text_examples.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/eval/tf_idf.h"
#include "trainer/report/sheet.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

namespace {

/// Texts, evaluated as their format requires: classes, pairs and queries by retrieval and verification; pairs
/// with labels by verification; pairs with grades by rank correlation; triplets by their order. The baseline
/// is TF-IDF of character n-grams.
class TextEvaluator : public Evaluator {
 public:
  explicit TextEvaluator(const RunConfig& config)
      : config_(config),
        set_(open_text_split(config, config.evaluate.data, config.evaluate.text)),
        examples_(std::make_shared<sampler::TextExamples>(set_.texts, token_rule(config.data))),
        bad_record_reporter_(set_.texts->size(), config.data.loader.bad_records) {
    if (config.evaluate.one_shot_trials > 0 && config.evaluate.text.format != sampler::TextFormat::kLabels)
      throw ConfigError("evaluate.one_shot_trials: expected evaluate.text.format labels beside it, got " +
                        name_of(config.evaluate.text.format));
    if (config.evaluate.headline != HeadlineChoice::kAuto &&
        config.evaluate.text.format != sampler::TextFormat::kLabels)
      throw ConfigError("evaluate.headline: expected auto, or evaluate.text.format labels beside it, got " +
                        name_of(config.evaluate.text.format));
  }

  const char* baseline_name() const override { return "TF-IDF"; }
  const sampler::Dataset& dataset() const override { return *set_.texts; }

  std::string evaluated() const override {
    const auto rows = [this](const char* what) { return eval::with_thousands(set_.rows) + " " + what; };
    if (!set_.scores.empty()) return rows("graded pairs");
    if (!set_.tuples.empty()) return rows(set_.tuples.front().is_triplet() ? "triplets" : "labelled pairs");
    switch (config_.evaluate.text.format) {
      case sampler::TextFormat::kPairs:
        return rows("pairs");
      case sampler::TextFormat::kQueries:
        return rows("queries with their positives and negatives");
      case sampler::TextFormat::kLabels:
        return rows("texts of ") + eval::with_thousands(set_.texts->classes()) + " classes";
      default:
        return eval::with_thousands(set_.texts->size()) + " texts";
    }
  }

  // Pairs with a label or a grade say nothing about other texts, so neighbours are neither right nor wrong.
  Sheet sheet(const eval::EvaluationResult& model) const override {
    const auto shown = [this](int64_t sample) { return report::SheetImage{"", set_.texts->get(sample)}; };
    switch (model.subject) {
      case eval::Subject::kLabelledPairs:
      case eval::Subject::kGradedPairs:
        return {{}, {}, pair_view(embedded_, model, shown), {}};
      case eval::Subject::kTriplets:
        return triplet_sheet(shown);
      default:
        return sheet_of(config_, embedded_, *set_.texts, model, shown);
    }
  }

 private:
  eval::Evaluation evaluate(const coordinator::RunContext& context, encoders::Encoder& encoder,
                            const EvaluationOptions& asked) override {
    embedded_ = embed_readable(context, "evaluation", encoder, context.launch.device(), examples_,
                               config_.data.loader, bad_record_reporter_);
    find_rows();
    eval::Evaluation result;
    result.left_out = set_.bad + embedded_.left_out;
    const eval::ComparableRows rows(embedded_.z_ND, similarity_of(config_));
    result.model =
        evaluated(context, eval::compare_rows(rows, embedded_.groups), metric_options(config_, asked));
    if (similarity_of(config_) == eval::Similarity::kCosine && context.is_main_rank()) {
      result.model.metrics.set("uniformity", eval::uniformity(embedded_.z_ND));
      result.model.metrics.set("effective_rank", eval::effective_rank(embedded_.z_ND));
    }
    if (asked.with_report && config_.evaluate.baseline) {
      const eval::TfIdf baseline(all_texts());
      eval::MetricOptions options;
      options.retrieval.depth = kRecallDepth;
      result.baseline = evaluated(context, eval::compare_texts(baseline, embedded_.groups), options);
    }
    return result;
  }

  std::vector<std::string> all_texts() const {
    std::vector<std::string> texts;
    for (const int64_t i : embedded_.indices) texts.push_back(set_.texts->get(i));
    return texts;
  }

  void find_rows() {
    row_of_.assign(static_cast<size_t>(set_.texts->size()), -1);
    for (size_t row = 0; row < embedded_.indices.size(); ++row)
      row_of_[static_cast<size_t>(embedded_.indices[row])] = static_cast<int64_t>(row);
  }
  // -1: the text could not be read.
  int64_t row_of(int64_t sample) const { return row_of_[static_cast<size_t>(sample)]; }

  // Grades and triplets are few numbers: rank 0 evaluates them alone.
  eval::EvaluationResult evaluated(const coordinator::RunContext& context, const eval::Comparison& rows,
                                   const eval::MetricOptions& options) const {
    if (set_.scores.empty() && set_.tuples.empty()) return by_class(context, rows, options);
    if (set_.scores.empty() && !set_.tuples.front().is_triplet()) return by_label(context, rows, options);
    if (!context.is_main_rank()) return {};
    return set_.scores.empty() ? by_triplet(rows, options) : by_grade(rows, options);
  }

  eval::EvaluationResult by_class(const coordinator::RunContext& context, const eval::Comparison& rows,
                                  const eval::MetricOptions& options) const {
    eval::EvaluationResult found =
        eval::evaluate_rows(rows, embedded_.groups, embedded_.labels, options, context.world);
    if (config_.evaluate.one_shot_trials > 0 && context.is_main_rank()) {
      const eval::DrawnTrials draw{config_.evaluate.one_shot_ways, config_.evaluate.one_shot_trials,
                                   static_cast<uint64_t>(config_.seed)};
      eval::evaluate_trials("one_shot_accuracy", rows, eval::draw_one_shot_trials(embedded_.groups, {}, draw),
                            options, found);
    }
    found.subject = config_.evaluate.text.format == sampler::TextFormat::kLabels
                        ? config_.evaluate.subject_of_classes(/*given_tuples=*/false)
                        : eval::Subject::kPairs;
    return found;
  }

  eval::EvaluationResult by_grade(const eval::Comparison& rows, const eval::MetricOptions& options) const {
    std::vector<eval::JudgedPair> pairs;
    for (size_t r = 0; r < set_.scores.size(); ++r) {
      const int64_t one = row_of(2 * static_cast<int64_t>(r)),
                    other = row_of(2 * static_cast<int64_t>(r) + 1);
      if (one >= 0 && other >= 0) pairs.push_back({{one, other}, rows.score(one, other), set_.scores[r]});
    }
    return eval::evaluate_graded(std::move(pairs), options);
  }

  // The two texts of a pair are in the same fold.
  eval::EvaluationResult by_label(const coordinator::RunContext& context, const eval::Comparison& rows,
                                  eval::MetricOptions options) const {
    eval::ChosenPairs pairs;
    std::vector<int64_t> pair_of;
    for (const int64_t i : embedded_.indices) pair_of.push_back(i / 2);
    for (const sampler::Tuple& tuple : set_.tuples) {
      const int64_t one = row_of(tuple.anchor), other = row_of(tuple.other);
      if (one >= 0 && other >= 0) (tuple.same ? pairs.positives : pairs.negatives).push_back({one, other});
    }
    pairs.all_positives = static_cast<int64_t>(pairs.positives.size());
    pairs.all_negatives = static_cast<int64_t>(pairs.negatives.size());
    options.pairs.seed = static_cast<uint64_t>(config_.seed);
    return eval::evaluate_labelled(std::move(pairs), rows, pair_of, options, context.world);
  }

  // Each candidate 0 is the positive, 1 the negative.
  std::vector<eval::OneShotTrial> trials() const {
    std::vector<eval::OneShotTrial> all;
    for (const sampler::Tuple& tuple : set_.tuples) {
      const int64_t anchor = row_of(tuple.anchor), positive = row_of(tuple.other),
                    negative = row_of(tuple.negative);
      if (anchor >= 0 && positive >= 0 && negative >= 0) all.push_back({anchor, {positive, negative}, 0});
    }
    return all;
  }

  eval::EvaluationResult by_triplet(const eval::Comparison& rows, const eval::MetricOptions& options) const {
    const std::vector<eval::OneShotTrial> asked = trials();
    eval::EvaluationResult found;
    found.subject = eval::Subject::kTriplets;
    eval::evaluate_trials("triplet_accuracy", rows, asked, options, found);
    found.metrics.set("triplets", static_cast<double>(asked.size()));
    return found;
  }

  // An anchor with its positive and its negative, the nearer first.
  report::SheetRow row_of_trial(const eval::ComparableRows& rows, const eval::OneShotTrial& trial,
                                const ShowSample& shown) const {
    const auto image = [&](int64_t row) { return shown(embedded_.indices[static_cast<size_t>(row)]); };
    report::SheetRow row{image(trial.query), {}, 1};
    for (const int64_t candidate : trial.candidates)
      row.neighbours.push_back({image(candidate), candidate == trial.candidates.front(),
                                eval::score(rows, trial.query, rows, candidate)});
    // A tie is wrong.
    if (row.neighbours[1].score >= row.neighbours[0].score) std::swap(row.neighbours[0], row.neighbours[1]);
    return row;
  }

  Sheet triplet_sheet(const ShowSample& shown) const {
    const std::vector<eval::OneShotTrial> all = trials();
    const eval::ComparableRows rows(embedded_.z_ND, similarity_of(config_));
    const report::SheetOptions size;
    Sheet sheet;
    for (const int64_t trial : Random(static_cast<uint64_t>(config_.seed), Purpose::kTrials, 6)
                                   .permutation(static_cast<int64_t>(all.size())))
      if (static_cast<int64_t>(sheet.sample.size()) < size.sample)
        sheet.sample.push_back(row_of_trial(rows, all[static_cast<size_t>(trial)], shown));
    std::vector<std::pair<double, size_t>> margins;
    for (size_t t = 0; t < all.size(); ++t) {
      const auto score = [&](size_t candidate) {
        return eval::score(rows, all[t].query, rows, all[t].candidates[candidate]);
      };
      if (const double margin = score(0) - score(1); margin <= 0) margins.emplace_back(margin, t);
    }
    std::sort(margins.begin(), margins.end());
    margins.resize(std::min(margins.size(), static_cast<size_t>(size.worst)));
    for (const auto& [margin, t] : margins) sheet.worst.push_back(row_of_trial(rows, all[t], shown));
    return sheet;
  }

  const RunConfig& config_;
  sampler::TextSet set_;
  std::shared_ptr<const sampler::Examples> examples_;
  BadRecordReporter bad_record_reporter_;
  engine::Embedded embedded_;
  std::vector<int64_t> row_of_;  // by sample
};

}  // namespace

std::unique_ptr<Evaluator> make_text_evaluator(const RunConfig& config) {
  return std::make_unique<TextEvaluator>(config);
}

}  // namespace lodestone::run
