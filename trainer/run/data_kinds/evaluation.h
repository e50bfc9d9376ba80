#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/coordinator/run_context.h"
#include "trainer/engine/embedding.h"
#include "trainer/eval/evaluation.h"
#include "trainer/report/report.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// Largest k of the report's recall@k curve.
constexpr int64_t kRecallDepth = 100;

/// What an evaluation computes besides the metrics of the model.
struct EvaluationOptions {
  /// Also evaluates the baseline, which never changes, so once per run is enough, and
  /// ranks as deep as the report shows.
  bool with_report = false;
  /// Bootstrap resamples of the classes, for confidence intervals; 0: none
  int64_t resamples = 0;
  /// False accept rate of EvaluationResult::operating_point; unset: none.
  std::optional<double> far = {};
};

/// The samples, pairs and classes that the report shows.
struct Sheet {
  std::vector<report::SheetRow> sample;  ///< queries chosen at random
  std::vector<report::SheetRow> worst;   ///< queries with the smallest margin
  report::PairView pairs;                ///< the worst pairs, and grades
  report::ClassView classes;             ///< empty if samples have no classes
};

/// Evaluates encoders on the configured evaluation split.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// Embeds and evaluates the split, sharded over all ranks. The result has the same bits for any number of
  /// ranks. Logs that it begins.
  /// Ranks     collective; rank 0 gets the result, other ranks an empty one
  eval::Evaluation run(const coordinator::RunContext& context, encoders::Encoder& encoder,
                       const EvaluationOptions& options);
  /// The sheet of the last run, whose result is `model`.
  /// Ranks     rank 0, after run
  virtual Sheet sheet(const eval::EvaluationResult& model) const = 0;
  /// Name of the baseline, as a column title.
  virtual const char* baseline_name() const = 0;
  virtual const sampler::Dataset& dataset() const = 0;
  /// What is evaluated, counted in its own units: "8,708 images of 956 classes", "1,379 graded pairs".
  virtual std::string evaluated() const = 0;

 private:
  virtual eval::Evaluation evaluate(const coordinator::RunContext& context, encoders::Encoder& encoder,
                                    const EvaluationOptions& options) = 0;
};

/// The evaluator for config.data.kind. Opens the data, so that missing data is found at once.
/// Requires  `config` outlives the evaluator
/// Throws    ConfigError, DataError
std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config);
std::unique_ptr<Evaluator> make_image_evaluator(const RunConfig& config);
std::unique_ptr<Evaluator> make_text_evaluator(const RunConfig& config);
std::unique_ptr<Evaluator> make_image_text_evaluator(const RunConfig& config);

/// The similarity that compares embeddings.
eval::Similarity similarity_of(const RunConfig& config);

/// Options for evaluating the rows of the model; the baseline's rows have another similarity and no
/// intervals.
eval::MetricOptions metric_options(const RunConfig& config, const EvaluationOptions& options);

/// Renders a sample of the data set.
using ShowSample = std::function<report::SheetImage(int64_t sample)>;

/// The sheet for rows that are compared with each other. Includes classes if `model` was evaluated by them.
Sheet sheet_of(const RunConfig& config, const engine::Embedded& embedded, const sampler::Dataset& data,
               const eval::EvaluationResult& model, const ShowSample& shown);

/// The worst pairs of `model`, and its grades, whose rows are those of `embedded`.
report::PairView pair_view(const engine::Embedded& embedded, const eval::EvaluationResult& model,
                           const ShowSample& shown);

}  // namespace lodestone::run
