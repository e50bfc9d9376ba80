#pragma once

#include <memory>
#include <vector>

#include "trainer/coordinator/run_context.h"
#include "trainer/engine/embedding.h"
#include "trainer/eval/evaluation.h"
#include "trainer/report/report.h"
#include "trainer/run/bad_record_teller.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// How far the report's curve of recall goes.
constexpr int64_t kRecallDepth = 100;

struct EvaluationOptions {
  bool with_report =
      false;  ///< judge the floor too (it never changes: once a run is enough) and look as deep as the report shows
  int64_t resamples = 0;  ///< of the classes, for intervals; 0: none
};

/// What the report shows of single samples and of classes.
struct Sheet {
  std::vector<SheetRow> sample;  ///< queries chosen by chance
  std::vector<SheetRow> worst;   ///< those with the smallest margin
  ClassView classes;             ///< empty where samples have no classes
};

/// Judges encoders on the configured evaluation split.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// Embeds the split and judges it, both over all ranks; rank 0 gets the result, the same bits for any number of ranks.
  /// Ranks     collective; elsewhere the result is empty
  virtual Evaluation run(const RunContext& context, Encoder& encoder, const EvaluationOptions& options) = 0;
  /// Of the last run, whose result `model` is. Rank 0, after run.
  virtual Sheet sheet(const Judgement& model) const = 0;
  /// What the floor is, as a column title.
  virtual const char* floor_name() const = 0;
  virtual const Dataset& dataset() const = 0;
};

/// The evaluator for config.data.kind. Opening checks that the data is there. `config` outlives it.
/// Throws ConfigError, DataError.
std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config);
std::unique_ptr<Evaluator> make_image_evaluator(const RunConfig& config);
std::unique_ptr<Evaluator> make_text_evaluator(const RunConfig& config);
std::unique_ptr<Evaluator> make_image_text_evaluator(const RunConfig& config);

/// The likeness that embeddings are compared by.
Likeness likeness_of(const RunConfig& config);

/// How the model's rows are judged; the floor's have another likeness and no intervals.
JudgeOptions judge_options(const RunConfig& config, const EvaluationOptions& options);

/// The sheet of rows that are compared with each other; `shown` says what a sample of the data set looks like.
/// Classes are shown if `model` was judged by them.
Sheet sheet_of(const RunConfig& config, const Embedded& embedded, const Dataset& data, const Judgement& model,
               const std::function<SheetPicture(int64_t sample)>& shown);

}  // namespace lodestone
