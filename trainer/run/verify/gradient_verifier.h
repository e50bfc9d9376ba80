#pragma once

#include <map>
#include <string>
#include <vector>

#include "trainer/coordinator/run_context.h"
#include "trainer/engine/encoder_pass.h"
#include "trainer/negatives/oracle.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// Largest relative error. All is computed in float64, so that what remains is the rounding of sums formed in
/// another order, amplified by the depth of the encoder.
constexpr double kVerifyTolerance = 1e-9;

/// Deviation of one result of an objective from that of a single process.
struct VerifiedLine {
  std::string what;
  double error = 0;  ///< relative error, the largest of all batches
  bool equal = true;
  std::string refusal = {};  ///< why it was not compared, if the configuration excludes it
};

/// Compares objectives on the same batches: loss, gradients and tuples of these ranks with those of one
/// process computed by plain autograd, all in float64. Embeddings are cached, so that further objectives need
/// no forward pass.
/// Memory    that of the reference computation (oracle_rows.h), or the encoder's activations for a global
///           batch, whichever is larger
class GradientVerifier {
 public:
  /// Requires  the encoder is built and float64; the arguments outlive this object
  GradientVerifier(RunConfig& config, const coordinator::RunContext& context, int64_t batches);
  ~GradientVerifier();

  /// Compares one objective on global batches of `rows`. `encoder`: also back-propagate through the encoder.
  /// Ranks     collective; rank 0 gets the lines
  std::vector<VerifiedLine> compare(const negatives::Objective& objective, int64_t rows, bool encoder);
  /// Compares the encoder's backward pass for all objectives at once, with a random gradient that is zero for
  /// no row. A backward pass is linear in the gradient of the embeddings, so that one that is wrong for some
  /// gradient is wrong for this one.
  /// Ranks     collective; rank 0 gets the lines
  std::vector<VerifiedLine> compare_encoder(int64_t rows);

 private:
  struct Round;   ///< one batch as this rank and as one process sees it, with its embeddings
  struct Rounds;  ///< the batches of one number of rows
  struct Sides;   ///< learned and remembered state on both sides of a comparison

  Rounds& rounds_of(int64_t rows);
  negatives::StepLoss together(const negatives::Objective& objective, Round& round, Sides& sides,
                               bool encoder, std::vector<at::Tensor>& gradients);
  negatives::OracleLoss alone(const negatives::Objective& objective, Round& round, Sides& sides, bool encoder,
                              std::vector<at::Tensor>& gradients);
  void compare_round(const negatives::Objective& objective, Round& round, Sides& sides, bool encoder,
                     std::vector<VerifiedLine>& lines);
  Features features_of(const sampler::Batch& batch) const;
  at::Tensor forward_whole(const Features& x) const;
  at::Tensor encode_rows(const Features& x, sampler::Range rows, const encoders::ForwardMode& mode) const;
  c10::Device device() const { return context_.launch.device(); }

  RunConfig& config_;
  const coordinator::RunContext& context_;
  int64_t batches_;
  std::unique_ptr<engine::EncoderPass> pass_;
  encoders::ForwardMode mode_;
  sampler::Range share_;  ///< this rank's share of the batch being compared
  int64_t global_rows_ = 0;
  std::map<int64_t, std::unique_ptr<Rounds>> rounds_;
};

}  // namespace lodestone::run
