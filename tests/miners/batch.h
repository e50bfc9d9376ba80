#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include "common/rng.h"
#include "common/yaml.h"
#include "trainer/miners/miner.h"

namespace lodestone::testing {
using namespace miners;

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Which pairs of a batch are what, and how far apart they are.
struct PairTable {
  explicit PairTable(int64_t rows)
      : B(rows), distance(size(rows * rows)), kind(size(rows * rows), kNeither) {}

  enum Kind { kNeither, kPositive, kNegative };
  static size_t size(int64_t n) { return static_cast<size_t>(n); }
  double& d(int64_t i, int64_t j) { return distance[size(i * B + j)]; }
  double d(int64_t i, int64_t j) const { return distance[size(i * B + j)]; }
  Kind& is(int64_t i, int64_t j) { return kind[size(i * B + j)]; }
  bool pos(int64_t i, int64_t j) const { return kind[size(i * B + j)] == kPositive; }
  bool neg(int64_t i, int64_t j) const { return kind[size(i * B + j)] == kNegative; }

  int64_t B;
  std::vector<double> distance;
  std::vector<Kind> kind;
};

/// Of every eight rows one has no positive, one no negative and one neither. Distances in [0, 2) are
/// multiples of `step`: the larger it is, the more ties there are.
inline PairTable random_pairs(int64_t rows, double step, uint64_t seed) {
  Random random(seed, Purpose::kTrials);
  PairTable x(rows);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < rows; ++j) {
      x.d(i, j) = step * static_cast<double>(random.below(static_cast<uint64_t>(2 / step)));
      const uint64_t draw = random.below(10);
      x.is(i, j) = draw < 3 ? PairTable::kPositive : PairTable::kNegative;
      if (i == j || draw == 9) x.is(i, j) = PairTable::kNeither;
      if (i % 8 == 0 && x.pos(i, j)) x.is(i, j) = PairTable::kNeither;
      if (i % 8 == 1 && x.neg(i, j)) x.is(i, j) = PairTable::kNeither;
      if (i % 8 == 2) x.is(i, j) = PairTable::kNeither;
    }
  return x;
}

struct Triplet {
  int64_t a, p, n;
  bool operator==(const Triplet&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Triplet& t) {
  return out << "(" << t.a << "," << t.p << "," << t.n << ")";
}

inline Positives positives_of(const PairTable& x, at::ScalarType type) {
  int64_t most = 0;
  for (int64_t i = 0; i < x.B; ++i) {
    int64_t count = 0;
    for (int64_t j = 0; j < x.B; ++j) count += x.pos(i, j);
    most = std::max(most, count);
  }
  Positives all{at::full({x.B, most}, kInfinity, type), at::full({x.B, most}, -1, at::kLong)};
  for (int64_t i = 0; i < x.B; ++i)
    for (int64_t j = 0, slot = 0; j < x.B; ++j)
      if (x.pos(i, j)) {
        all.distance_aP[i][slot] = x.d(i, j);
        all.index_aP[i][slot++] = j;
      }
  return all;
}

/// Rows [row, row + rows) × references [reference, reference + references) of the table; sample ids are 1000
/// + place, hashed by nothing.
inline Candidates tile_of(const PairTable& x, at::ScalarType type, int64_t row, int64_t rows,
                          int64_t reference, int64_t references, int64_t width) {
  std::vector<double> distance;
  std::vector<int64_t> anchor_key, reference_key;
  for (int64_t i = row; i < row + rows; ++i) {
    anchor_key.push_back(7000 + i);
    for (int64_t j = reference; j < reference + references; ++j)
      distance.push_back(x.neg(i, j) ? x.d(i, j) : kInfinity);
  }
  for (int64_t j = reference; j < reference + references; ++j) reference_key.push_back(1000 + j);
  return {at::tensor(distance, at::kDouble).view({rows, references}).to(type),
          at::tensor(anchor_key, at::kLong), at::tensor(reference_key, at::kLong), width};
}

/// Lowers `best` and the negatives of one slot of `rows` rows, whose first place in `all` is `first`,
/// `stride` apart.
inline void take_lower(const at::Tensor& score_rc, int64_t reference, size_t first, size_t stride,
                       std::vector<double>& best, std::vector<Triplet>& all) {
  const at::Tensor plain_rc = score_rc.to(at::kDouble).contiguous();
  const double* score = plain_rc.const_data_ptr<double>();
  for (int64_t r = 0; r < plain_rc.size(0); ++r)
    for (int64_t c = 0; c < plain_rc.size(1); ++c, ++score) {
      const size_t place = first + static_cast<size_t>(r) * stride;
      if (std::isnan(*score)) throw std::runtime_error("a score is NaN");
      if (*score >= best[place]) continue;
      best[place] = *score;
      all[place].n = reference + c;
    }
}

/// What a miner thinks of a tile's candidates for one slot: lower is better. Each slot has keys of its own.
inline at::Tensor scores(const TripletMiner& miner, const Positives& slots, int64_t slot, int64_t row,
                         Candidates tile) {
  if (const auto* drawing = dynamic_cast<const DrawingMiner*>(&miner)) {
    tile.anchor_key_r = tile.anchor_key_r + slot * (int64_t{1} << 40);
    return drawing->score(tile);
  }
  const NearestMiner::Bounds bounds = dynamic_cast<const NearestMiner&>(miner).bounds(slots.distance_aP);
  const auto of_tile = [&](const at::Tensor& x_aS) {
    return x_aS.narrow(0, row, tile.distance_rc.size(0)).select(1, slot).unsqueeze(1);
  };
  return at::where(at::logical_and(tile.distance_rc > of_tile(bounds.beyond_aS),
                                   tile.distance_rc < of_tile(bounds.within_aS)),
                   tile.distance_rc, kInfinity);
}

/// The triplets a miner picks, by anchor and slot, the table walked in tiles of `side`.
inline std::vector<Triplet> picks(const TripletMiner& miner, const PairTable& x, at::ScalarType type,
                                  int64_t side, int64_t width = 8) {
  const Positives slots = miner.slots(positives_of(x, type));
  const int64_t S = slots.index_aP.size(1);
  std::vector<Triplet> all;
  for (int64_t i = 0; i < x.B; ++i)
    for (int64_t s = 0; s < S; ++s) all.push_back({i, slots.index_aP[i][s].item<int64_t>(), -1});
  std::vector<double> best(all.size(), kInfinity);
  for (int64_t row = 0; row < x.B; row += side)
    for (int64_t reference = 0; reference < x.B; reference += side) {
      const int64_t rows = std::min(side, x.B - row);
      const Candidates tile = tile_of(x, type, row, rows, reference, std::min(side, x.B - reference), width);
      for (int64_t s = 0; s < S; ++s) {
        const at::Tensor score_rc = scores(miner, slots, s, row, tile);
        take_lower(score_rc, reference, PairTable::size(row * S + s), PairTable::size(S), best, all);
      }
    }
  std::erase_if(all, [](const Triplet& t) { return t.p < 0 || t.n < 0; });
  return all;
}

/// A miner by its name in the table and YAML of its settings, as the interface it has.
template <typename Interface>
class Made {
 public:
  explicit Made(const std::string& name, const std::string& settings = "") : slot_(miner_table(), name) {
    read_fields(parse_yaml("{" + settings + "}", name), [&](Fields& f) { slot_->visit(f); });
  }
  const Interface& operator*() const { return dynamic_cast<const Interface&>(*slot_); }
  const Interface* operator->() const { return &**this; }

 private:
  Slot<Miner> slot_;
};

}  // namespace lodestone::testing
