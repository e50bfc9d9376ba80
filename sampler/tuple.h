#pragma once

#include <cstdint>

namespace lodestone::sampler {

/// A pair (anchor, other) with the label `same`, 1 or 0; or, with negative >= 0, a triplet (anchor, other =
/// positive, negative). The numbers are indices of samples, or of rows of a global batch.
struct Tuple {
  int64_t anchor = 0;
  int64_t other = 0;
  int64_t negative = -1;
  bool same = true;
  bool is_triplet() const { return negative >= 0; }
  bool operator==(const Tuple&) const = default;
};

}  // namespace lodestone::sampler
