#pragma once

#include <optional>

#include "trainer/commands/session.h"
#include "trainer/engine/embedding.h"
#include "trainer/eval/judge.h"

namespace lodestone {

/// A model's figures on the evaluation split, with the floor beside them.
struct Evaluation {
  Judgement model;
  Judgement floor;  ///< raw pixels; empty unless asked for
};

/// Judges encoders on the configured evaluation split. Opening checks that the data is there.
class Evaluator {
 public:
  /// Throws DataError. `config` outlives the evaluator.
  explicit Evaluator(const RunConfig& config);

  /// Embeds the split over all ranks and judges it on rank 0 (elsewhere the result is empty).
  /// Ranks     collective. with_floor: also judge the pixels; they never change, so once a run is enough.
  Evaluation run(const Session& session, Encoder& encoder, bool with_floor);

  /// The rows of the last run, for pictures. Rank 0, after run.
  const Embedded& embedded() const { return embedded_; }
  const ImageDataset& images() const { return *images_; }
  Likeness likeness() const;

 private:
  double one_shot_files(const Session& session, Encoder& encoder, bool pixels) const;
  void add_one_shot(const Session& session, Encoder& encoder, const at::Tensor& x_ND, bool pixels, Judgement& result) const;

  const RunConfig& config_;
  ImageTransform transform_;
  std::shared_ptr<const ImageDataset> images_;
  std::shared_ptr<const Examples> examples_;
  Embedded embedded_;
};

}  // namespace lodestone
