#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/fields.h"
#include "distributed/group.h"
#include "trainer/encoders/parameters.h"

namespace lodestone::engine {

enum class NonFiniteAction { kFail, kSkip, kRollback };
inline constexpr Choice<NonFiniteAction> kNonFiniteActions[] = {{"fail", NonFiniteAction::kFail},
                                                                {"skip", NonFiniteAction::kSkip},
                                                                {"rollback", NonFiniteAction::kRollback}};

/// What to do about a step whose loss or gradient is infinite or not a number.
struct NonFiniteConfig {
  NonFiniteAction action = NonFiniteAction::kFail;
  int64_t limit = 10;

  bool skips() const { return action == NonFiniteAction::kSkip; }
  bool rolls_back() const { return action == NonFiniteAction::kRollback; }
  void visit(Fields& f);
};

/// What is not finite.
enum class NonFiniteValue { kLoss, kGradient };
inline constexpr Choice<NonFiniteValue> kNonFiniteValues[] = {{"loss", NonFiniteValue::kLoss},
                                                              {"gradient", NonFiniteValue::kGradient}};

/// Describes such a step; the same on every rank.
struct NonFinite {
  int64_t step = 0;
  NonFiniteValue what = NonFiniteValue::kLoss;
  double value = 0;    ///< value of the loss, or of the gradient's norm
  std::string tensor;  ///< the first learned tensor whose gradient is not finite; "" if the loss is not
  /// ranks with embeddings, or gradients by them, that are not finite; empty if the cause lies elsewhere
  std::vector<int64_t> ranks;

  std::string sentence() const;
};

/// Ends the run at such a step; an earlier checkpoint may still be continued.
class NonFiniteError : public Error {
 public:
  NonFiniteError(const NonFinite& found, const std::string& remedy)
      : Error("trainer: " + found.sentence() + "; " + remedy), found_(found) {}
  const NonFinite& found() const { return found_; }

 private:
  NonFinite found_;
};

/// Completes `found` with the ranks and the parameter that produced the non-finite value. `own` holds this
/// rank's embeddings and its gradients by them.
/// Ranks     collective
/// Cost      one number per rank
NonFinite find_non_finite(const distributed::Group& world, NonFinite found,
                          const std::vector<at::Tensor>& own,
                          const std::vector<encoders::Parameter>& learned);

/// Keeps a copy of the running statistics, to restore them when a step is skipped: its forward pass has
/// already moved them.
/// Cost      memory of a copy of the encoder's buffers
class KeptBuffers {
 public:
  explicit KeptBuffers(const std::vector<encoders::Parameter>& buffers);
  void put_back() const;

 private:
  std::vector<at::Tensor> live_, kept_;
};

}  // namespace lodestone::engine
