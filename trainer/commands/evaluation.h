#pragma once

#include <memory>
#include <vector>

#include "trainer/commands/session.h"
#include "trainer/engine/embedding.h"
#include "trainer/eval/judge.h"
#include "trainer/eval/report.h"

namespace lodestone {

/// A model's figures on the evaluation split, with the floor beside them.
struct Evaluation {
  Judgement model;
  Judgement floor;  ///< what needs no learning; empty unless asked for, or where there is none
};

/// What the report shows of single samples.
struct Sheet {
  std::vector<SheetRow> sample;  ///< queries chosen by chance
  std::vector<SheetRow> worst;   ///< those with the smallest margin
};

/// Judges encoders on the configured evaluation split.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// Embeds the split over all ranks and judges it on rank 0 (elsewhere the result is empty).
  /// Ranks     collective. with_floor: also judge the floor; it never changes, so once a run is enough.
  virtual Evaluation run(const Session& session, Encoder& encoder, bool with_floor) = 0;
  /// Of the last run. Rank 0, after run.
  virtual Sheet sheet() const = 0;
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

/// The sheet of rows that are compared with each other; `shown` says what a sample of the data set looks like.
Sheet sheet_of(const RunConfig& config, const Embedded& embedded,
               const std::function<SheetPicture(int64_t sample)>& shown);

}  // namespace lodestone
