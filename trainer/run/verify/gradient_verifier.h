#pragma once

#include <map>
#include <string>
#include <vector>

#include "trainer/coordinator/run_context.h"
#include "trainer/engine/encoder_pass.h"
#include "trainer/negatives/reference.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// Float64 throughout: what is left is the rounding of sums formed in another order, amplified by the encoder's depth.
constexpr double kVerifyTolerance = 1e-9;

/// How far something of an objective is from what one process gets.
struct VerifiedLine {
  std::string what;
  double error = 0;  ///< relative, the largest of all batches
  bool equal = true;
};

/// Compares one objective after another on the same batches: loss, gradients and tuples of these ranks with those of one process by
/// plain autograd, all in float64. Encodings are kept, so that objectives that follow need no forward pass.
/// Memory    the oracle's, see oracle_rows.h, or the encoder's activations for a global batch, whichever is more
class GradientVerifier {
 public:
  /// The encoder is built and of float64. All outlive it.
  GradientVerifier(RunConfig& config, const RunContext& context, int64_t batches);
  ~GradientVerifier();

  /// With global batches of `rows`. `encoder`: push the gradient through the encoder too.
  /// Ranks     collective; the lines are rank 0's
  std::vector<VerifiedLine> compare(const Objective& objective, int64_t rows, bool encoder);
  /// For all objectives at once: pushes a gradient through the encoder that has nothing to do with any, and is zero for no row. An
  /// encoder's backward pass is linear in the embeddings' gradient, so that one that is wrong for some gradient is wrong for this.
  /// Ranks     as compare
  std::vector<VerifiedLine> compare_encoder(int64_t rows);

 private:
  struct Round;   // a batch as this rank and as one process sees it, and its encodings
  struct Rounds;  // of one number of rows
  struct Sides;   // what is learned and remembered on both sides of a comparison

  Rounds& rounds_of(int64_t rows);
  StepLoss together(const Objective& objective, Round& round, Sides& sides, bool encoder,
                    std::vector<at::Tensor>& gradients);
  ReferenceLoss alone(const Objective& objective, Round& round, Sides& sides, bool encoder,
                      std::vector<at::Tensor>& gradients);
  void compare_round(const Objective& objective, Round& round, Sides& sides, bool encoder,
                     std::vector<VerifiedLine>& lines);
  Features features_of(const Batch& batch) const;
  at::Tensor forward_whole(const Features& x) const;
  at::Tensor encode_rows(const Features& x, Range rows, const ForwardMode& mode) const;
  c10::Device device() const { return context_.launch.device(); }

  RunConfig& config_;
  const RunContext& context_;
  int64_t batches_;
  std::unique_ptr<EncoderPass> pass_;
  ForwardMode mode_;
  Range share_;  ///< of the batch that is compared
  int64_t global_rows_ = 0;
  std::map<int64_t, std::unique_ptr<Rounds>> rounds_;
};

}  // namespace lodestone
