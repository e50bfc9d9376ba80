#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/eval/rows.h"

namespace lodestone::search {

/// Defines which negatives are hard.
struct MiningOptions {
  int64_t per_anchor = 1;   ///< greatest number of triplets per anchor
  double margin = 0.1;      ///< a negative is hard if its score is above the positive's score minus this
  double max_score = 0.98;  ///< nearer ones are considered the same thing under another label
};

/// A triplet as row indices.
struct MinedTriplet {
  int64_t anchor;
  int64_t positive;
  int64_t negative;
  bool operator==(const MinedTriplet&) const = default;
};

/// The hard triplets of the anchors [begin, end), ordered by anchor, then by hardness. The positive is the
/// least alike row of the anchor's own label (the first of equals); the negatives are its nearest rows of
/// other groups. Rows of one id are one sample: never each other's positive or negative, and of copies of a
/// negative only the first counts.
/// Ranks     knows none; each rank may process its own anchors
/// Cost      2·(end - begin)·N·D flops, exact (neighbours.h)
std::vector<MinedTriplet> mine_triplets(const eval::LabelledRows& rows, std::span<const uint64_t> ids_N,
                                        int64_t begin, int64_t end, const MiningOptions& options);

/// The triplets without repetitions: those with the same three ids as an earlier one.
std::vector<MinedTriplet> without_repeats(const std::vector<MinedTriplet>& triplets,
                                          std::span<const uint64_t> ids_N);

}  // namespace lodestone::search
