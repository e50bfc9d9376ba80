#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/eval/rows.h"

namespace lodestone {

/// Which negatives are hard.
struct MiningOptions {
  int64_t per_anchor = 1;   ///< triplets of an anchor at most
  double margin = 0.1;      ///< a negative counts if its score is above the positive's less this
  double max_score = 0.98;  ///< nearer ones are taken for the same thing under another label
};

struct MinedTriplet {
  int64_t anchor;
  int64_t positive;
  int64_t negative;
  bool operator==(const MinedTriplet&) const = default;
};

/// Hard triplets of the anchors [begin, end), in order of anchor, then of hardness: the positive is the least like row of the anchor's
/// own label (of equals the first), the negatives are its nearest rows of other groups. Rows of one id are one sample: never each
/// other's positive or negative, and of a negative's copies only the first counts.
/// Ranks     knows none; each may take its own anchors
/// Cost      2·(end - begin)·N·D flops, exact (neighbours.h)
std::vector<MinedTriplet> mine_triplets(const LabelledRows& rows, std::span<const uint64_t> ids_N,
                                        int64_t begin, int64_t end, const MiningOptions& options);

/// The same without triplets that say what an earlier one said: equal ids of all three.
std::vector<MinedTriplet> without_repeats(const std::vector<MinedTriplet>& triplets,
                                          std::span<const uint64_t> ids_N);

}  // namespace lodestone
