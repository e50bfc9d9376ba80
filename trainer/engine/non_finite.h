#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/fields.h"
#include "distributed/group.h"
#include "trainer/encoders/parameters.h"

namespace lodestone {

/// What to do about a step whose loss or gradient is infinite or not a number.
struct NonFiniteConfig {
  std::string action = "fail";
  int64_t limit = 10;

  bool skips() const { return action == "skip"; }
  bool rolls_back() const { return action == "rollback"; }
  void visit(Fields& f);
};

/// Such a step, on every rank alike.
struct NonFinite {
  int64_t step = 0;
  std::string what;    ///< "loss" or "gradient"
  double value = 0;    ///< of the loss, or of the gradient's norm
  std::string tensor;  ///< the first learned tensor whose gradient shows it; "" if the loss did
  std::vector<int64_t>
      ranks;  ///< whose embeddings, or gradients by them, aren't finite; none if the trouble began elsewhere

  std::string sentence() const;
};

/// The run can't go on from such a step, but may from an earlier checkpoint.
class NonFiniteError : public Error {
 public:
  NonFiniteError(const NonFinite& found, const std::string& remedy)
      : Error("trainer: " + found.sentence() + "; " + remedy), found_(found) {}
  const NonFinite& found() const { return found_; }

 private:
  NonFinite found_;
};

/// Learns whose it is. `own` are this rank's embeddings and what it knows of the gradient by them.
/// Ranks     collective; cost: one number per rank
NonFinite find_non_finite(const Group& world, NonFinite found, const std::vector<at::Tensor>& own,
                          const std::vector<Parameter>& learned);

/// Running statistics as they were when it was made: a forward pass that is undone has already moved them.
/// Cost      a copy of the encoder's buffers
class KeptBuffers {
 public:
  explicit KeptBuffers(const std::vector<Parameter>& buffers);
  void put_back() const;

 private:
  std::vector<at::Tensor> live_, kept_;
};

}  // namespace lodestone
