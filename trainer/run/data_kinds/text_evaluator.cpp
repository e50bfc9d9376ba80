#include "sampler/texts/text_examples.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/eval/tf_idf.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/run_config.h"

namespace lodestone {

namespace {

/// Texts, evaluated as their format requires: classes, pairs and queries by retrieval and verification; pairs
/// with labels by verification; pairs with grades by rank correlation; triplets by their order. The baseline
/// is TF-IDF of character n-grams.
class TextEvaluator : public Evaluator {
 public:
  explicit TextEvaluator(const RunConfig& config)
      : config_(config),
        set_(open_text_split(config, config.evaluate.data, config.evaluate.text)),
        examples_(std::make_shared<TextExamples>(set_.texts, token_rule(config.data))),
        teller_(set_.texts->size(), config.data.loader.bad_records) {
    if (config.evaluate.one_shot_trials > 0 && config.evaluate.text.format != TextFormat::kLabels)
      throw ConfigError("evaluate.one_shot_trials: expected evaluate.text.format labels beside it, got " +
                        name_of(config.evaluate.text.format));
  }

  Evaluation run(const RunContext& context, Encoder& encoder, const EvaluationOptions& asked) override {
    embedded_ = embed_readable(context, "evaluation", encoder, context.launch.device(), examples_,
                               config_.data.loader, teller_);
    find_rows();
    Evaluation result;
    result.left_out = set_.bad + embedded_.left_out;
    const ComparableRows rows(embedded_.z_ND, likeness_of(config_));
    result.model = judged(context, compare_rows(rows, embedded_.groups), judge_options(config_, asked));
    if (likeness_of(config_) == Likeness::kCosine && context.is_main_rank()) {
      result.model.measures.set("uniformity", uniformity(embedded_.z_ND));
      result.model.measures.set("effective_rank", effective_rank(embedded_.z_ND));
    }
    if (asked.with_report && config_.evaluate.floor) {
      const TfIdf floor(all_texts());
      JudgeOptions options;
      options.retrieval.depth = kRecallDepth;
      result.floor = judged(context, compare_texts(floor, embedded_.groups), options);
    }
    return result;
  }

  const char* floor_name() const override { return "TF-IDF"; }
  const Dataset& dataset() const override { return *set_.texts; }
  Sheet sheet(const Judgement& model) const override {
    return sheet_of(config_, embedded_, *set_.texts, model, [this](int64_t sample) {
      return SheetPicture{"", set_.texts->get(sample)};
    });
  }

 private:
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
  Judgement judged(const RunContext& context, const Comparison& rows, const JudgeOptions& options) const {
    if (set_.scores.empty() && set_.tuples.empty()) return by_class(context, rows, options);
    if (set_.scores.empty() && !set_.tuples.front().is_triplet()) return by_label(context, rows, options);
    if (!context.is_main_rank()) return {};
    return set_.scores.empty() ? by_triplet(rows, options) : by_grade(rows, options);
  }

  Judgement by_class(const RunContext& context, const Comparison& rows, const JudgeOptions& options) const {
    Judgement found = judge(rows, embedded_.groups, embedded_.labels, options, context.world);
    if (config_.evaluate.one_shot_trials > 0 && context.is_main_rank()) {
      const DrawnTrials draw{config_.evaluate.one_shot_ways, config_.evaluate.one_shot_trials,
                             static_cast<uint64_t>(config_.seed)};
      judge_trials("one_shot_accuracy", rows, draw_one_shot_trials(embedded_.groups, {}, draw), options,
                   found);
    }
    return found;
  }

  Judgement by_grade(const Comparison& rows, const JudgeOptions& options) const {
    std::vector<double> likeness, grades;
    for (size_t r = 0; r < set_.scores.size(); ++r) {
      const int64_t one = row_of(2 * static_cast<int64_t>(r)),
                    other = row_of(2 * static_cast<int64_t>(r) + 1);
      if (one < 0 || other < 0) continue;
      likeness.push_back(rows.score(one, other));
      grades.push_back(set_.scores[r]);
    }
    Judgement found;
    judge_graded(likeness, grades, options, found);
    return found;
  }

  // The two texts of a pair are in the same fold.
  Judgement by_label(const RunContext& context, const Comparison& rows, const JudgeOptions& options) const {
    ChosenPairs pairs;
    std::vector<int64_t> pair_of;
    for (const int64_t i : embedded_.indices) pair_of.push_back(i / 2);
    for (const Tuple& tuple : set_.tuples) {
      const int64_t one = row_of(tuple.anchor), other = row_of(tuple.other);
      if (one >= 0 && other >= 0) (tuple.same ? pairs.positives : pairs.negatives).push_back({one, other});
    }
    pairs.all_positives = static_cast<int64_t>(pairs.positives.size());
    pairs.all_negatives = static_cast<int64_t>(pairs.negatives.size());
    const ScoredPairs scored = score_pairs(std::move(pairs), rows, context.world);
    Judgement found;
    if (options.bootstrap.resamples > 0)
      found.intervals = bootstrap_pairs(scored, Bootstrap(pair_of, options.bootstrap), context.world);
    if (!context.is_main_rank()) return {};
    Verification verification = verify_pairs(scored, pair_of, static_cast<uint64_t>(config_.seed));
    found.measures = std::move(verification.measures);
    found.roc = std::move(verification.roc);
    found.distances = distance_histogram(scored);
    return found;
  }

  Judgement by_triplet(const Comparison& rows, const JudgeOptions& options) const {
    std::vector<OneShotTrial> trials;
    for (const Tuple& tuple : set_.tuples) {
      const int64_t anchor = row_of(tuple.anchor), positive = row_of(tuple.other),
                    negative = row_of(tuple.negative);
      if (anchor >= 0 && positive >= 0 && negative >= 0) trials.push_back({anchor, {positive, negative}, 0});
    }
    Judgement found;
    judge_trials("triplet_accuracy", rows, trials, options, found);
    found.measures.set("triplets", static_cast<double>(trials.size()));
    return found;
  }

  const RunConfig& config_;
  TextSet set_;
  std::shared_ptr<const Examples> examples_;
  BadRecordTeller teller_;
  Embedded embedded_;
  std::vector<int64_t> row_of_;  // by sample
};

}  // namespace

std::unique_ptr<Evaluator> make_text_evaluator(const RunConfig& config) {
  return std::make_unique<TextEvaluator>(config);
}

}  // namespace lodestone
