#pragma once

#include <optional>

#include "trainer/negatives/tiles/relation.h"

namespace lodestone::negatives {

/// How tiles compute the terms f over negatives: the same in all blocks and passes of a solver.
struct TermForm {
  /// The terms of a log-sum-exp as e^(slope · value + offset).
  struct Line {
    double slope, offset;
    /// A value whose term is 0.
    double nothing() const;
  };

  TermForm(const losses::PairLoss& loss, const std::vector<Member>& members,
           const std::vector<Relation>& relations, bool filtered);

  bool exponential;  ///< terms are e^(f - shift), of whose sum the log is taken
  /// The shift with which e^(f - shift) of no pair overflows and no row is lost to underflow, in the rows'
  /// type; 0 if not exponential. Unset if the range of the terms is too wide for one shift, so that each row
  /// needs its own.
  std::optional<double> shift;
  std::optional<Line> line;  ///< set if f is affine, there is one shift, and no miner drops pairs
  bool stays;                ///< pass 1 leaves its terms in kept tiles, because pass 2 needs nothing else
};

/// x → exp(x - shift), in place.
void shifted_exp(at::Tensor& x, double shift);

}  // namespace lodestone::negatives
