#pragma once

#include <optional>

#include "trainer/negatives/tiles/relation.h"

namespace lodestone {

/// How the terms f of a loss over negatives are formed on tiles: alike in all blocks and passes of a solve.
struct TermForm {
  /// The terms of a log-sum-exp as e^(slope · value + offset).
  struct Line {
    double slope, offset;
    /// A value whose term is 0.
    double nothing() const;
  };

  TermForm(const PairLoss& loss, const std::vector<Member>& members, const std::vector<Relation>& relations,
           bool filtered);

  bool exponential;  ///< terms are e^(f - shift), for the log of their sum
  /// The one shift with which e^(f - shift) of every pair neither overflows, nor loses a row to underflow, in the rows' type; none
  /// if the terms' range is too wide for one shift, so that each row needs its own. 0 if not exponential.
  std::optional<double> shift;
  std::optional<Line> line;  ///< if f is affine, one shift will do, and no miner drops pairs
  bool stays;                ///< pass 1 leaves its terms in kept tiles, since pass 2 asks for nothing else
};

/// x → exp(x - shift), in place.
void shifted_exp(at::Tensor& x, double shift);

}  // namespace lodestone
