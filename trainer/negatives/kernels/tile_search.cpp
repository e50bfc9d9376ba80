#include "trainer/negatives/kernels/tile_search.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include <ATen/Dispatch.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/min.h>
#include <ATen/ops/where.h>

#include "trainer/losses/vector_math.h"

namespace lodestone::negatives {

namespace {

// Values that are processed together: loops over them become a few vector instructions, for any vector
// length.
constexpr int64_t kLanes = 32;

template <typename T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();

template <typename T>
struct Tile {
  const T* value;
  int64_t rows, references;
};

// An index within a tile has as many bits as a value, so that both fit the same vectors.
template <typename T>
using Place = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;

template <typename T>
void take_better(T value, int64_t place, int64_t first_reference, T& best, int64_t& best_reference) {
  if (place < 0) return;
  const int64_t reference = first_reference + place;
  if (value > best || (value == best && reference > best_reference && best_reference >= 0)) return;
  best = value;
  best_reference = reference;
}

template <typename T>
LODESTONE_INLINE void nearest_of_rows(const Tile<T> tile, const T* bound_r, int64_t first_reference,
                                      T* best_r, int64_t* reference_r) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    const T* value = tile.value + r * tile.references;
    const T bound = bound_r[r];
    T best[kLanes];
    Place<T> place[kLanes];
    std::fill_n(best, kLanes, kInfinity<T>);
    std::fill_n(place, kLanes, Place<T>{-1});
    int64_t c = 0;
    for (; c + kLanes <= tile.references; c += kLanes)
      for (int64_t l = 0; l < kLanes; ++l) {
        const T x = value[c + l];
        const bool better = (x > bound) & (x < best[l]);
        best[l] = better ? x : best[l];
        place[l] = better ? static_cast<Place<T>>(c) : place[l];
      }
    for (int64_t l = 0; l < kLanes; ++l)
      take_better(best[l], place[l] < 0 ? -1 : place[l] + l, first_reference, best_r[r], reference_r[r]);
    for (; c < tile.references; ++c)
      if (value[c] > bound && value[c] < kInfinity<T>)
        take_better(value[c], c, first_reference, best_r[r], reference_r[r]);
  }
}

template <typename T>
LODESTONE_INLINE void nearest_of_references(const Tile<T> tile, const T* bound_c, int64_t first_row,
                                            T* best_c, int64_t* row_c) {
  for (int64_t c = 0; c < tile.references; c += kLanes) {
    const int64_t lanes = std::min(kLanes, tile.references - c);
    T best[kLanes], bound[kLanes];
    Place<T> place[kLanes];
    std::fill_n(best, kLanes, kInfinity<T>);
    std::fill_n(place, kLanes, Place<T>{-1});
    std::copy_n(bound_c + c, lanes, bound);
    const auto look = [&](int64_t r, int64_t count) {
      const T* value = tile.value + r * tile.references + c;
      for (int64_t l = 0; l < count; ++l) {
        const T x = value[l];
        const bool better = (x > bound[l]) & (x < best[l]);
        best[l] = better ? x : best[l];
        place[l] = better ? static_cast<Place<T>>(r) : place[l];
      }
    };
    if (lanes == kLanes)
      for (int64_t r = 0; r < tile.rows; ++r) look(r, kLanes);
    else
      for (int64_t r = 0; r < tile.rows; ++r) look(r, lanes);
    for (int64_t l = 0; l < lanes; ++l)
      take_better(best[l], place[l], first_row, best_c[c + l], row_c[c + l]);
  }
}

template <typename T>
LODESTONE_INLINE void count_of_rows(const Tile<T> tile, const T* threshold_P, int64_t stride, int64_t P,
                                    double* count_P, double* cost_r) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    const T* value = tile.value + r * tile.references;
    for (int64_t p = 0; p < P; ++p) {
      const T threshold = threshold_P[p * stride + r];
      if (!(threshold > -kInfinity<T>)) break;
      T cost[kLanes] = {};
      Place<T> count[kLanes] = {};
      int64_t c = 0;
      for (; c + kLanes <= tile.references; c += kLanes)
        for (int64_t l = 0; l < kLanes; ++l) {
          const T x = threshold - value[c + l];
          cost[l] += x > 0 ? x : 0;
          count[l] += x > 0 ? 1 : 0;
        }
      double sum = 0;
      int64_t active = 0;
      for (int64_t l = 0; l < kLanes; ++l) {
        sum += static_cast<double>(cost[l]);
        active += count[l];
      }
      for (; c < tile.references; ++c) {
        sum += std::max(static_cast<double>(threshold - value[c]), 0.0);
        active += threshold > value[c];
      }
      count_P[p * stride + r] += static_cast<double>(active);
      cost_r[r] += sum;
    }
  }
}

template <typename T>
LODESTONE_INLINE void count_of_references(const Tile<T> tile, const T* threshold_P, int64_t stride, int64_t P,
                                          double* count_P, double* cost_c) {
  for (int64_t c = 0; c < tile.references; c += kLanes) {
    const int64_t lanes = std::min(kLanes, tile.references - c);
    for (int64_t p = 0; p < P; ++p) {
      T threshold[kLanes], cost[kLanes] = {};
      Place<T> count[kLanes] = {};
      std::fill_n(threshold, kLanes, -kInfinity<T>);
      std::copy_n(threshold_P + p * stride + c, lanes, threshold);
      if (!(*std::max_element(threshold, threshold + kLanes) > -kInfinity<T>)) break;
      const auto look = [&](const T* value, int64_t some) {
        for (int64_t l = 0; l < some; ++l) {
          const T x = threshold[l] - value[l];
          cost[l] += x > 0 ? x : 0;
          count[l] += x > 0 ? 1 : 0;
        }
      };
      if (lanes == kLanes)
        for (int64_t r = 0; r < tile.rows; ++r) look(tile.value + r * tile.references + c, kLanes);
      else
        for (int64_t r = 0; r < tile.rows; ++r) look(tile.value + r * tile.references + c, lanes);
      for (int64_t l = 0; l < lanes; ++l) {
        count_P[p * stride + c + l] += static_cast<double>(count[l]);
        cost_c[c + l] += static_cast<double>(cost[l]);
      }
    }
  }
}

/// Thresholds of one end of a tile: p · stride + row.
template <typename T>
struct Thresholds {
  const T* value = nullptr;
  int64_t stride = 0, count = 0;
};

template <typename T>
LODESTONE_INLINE void weigh(const Tile<T> tile, const Thresholds<T> rows, const Thresholds<T> references,
                            T factor, T* weight_rc) {
  for (int64_t r = 0; r < tile.rows; ++r)
    for (int64_t c = 0; c < tile.references; c += kLanes) {
      const T* value = tile.value + r * tile.references + c;
      T* weight = weight_rc + r * tile.references + c;
      const auto look = [&](int64_t some) {
        Place<T> above[kLanes] = {};
        for (int64_t p = 0; p < rows.count; ++p) {
          const T threshold = rows.value[p * rows.stride + r];
          if (!(threshold > -kInfinity<T>)) break;
          for (int64_t l = 0; l < some; ++l) above[l] += threshold > value[l] ? 1 : 0;
        }
        for (int64_t p = 0; p < references.count; ++p) {
          const T* threshold = references.value + p * references.stride + c;
          for (int64_t l = 0; l < some; ++l) above[l] += threshold[l] > value[l] ? 1 : 0;
        }
        for (int64_t l = 0; l < some; ++l) weight[l] = factor * static_cast<T>(above[l]);
      };
      if (c + kLanes <= tile.references)
        look(kLanes);
      else
        look(tile.references - c);
    }
}

// The functions that are compiled for several processors: one per scan and type.
#define LODESTONE_TILE_SEARCHES(T)                                                                        \
  LODESTONE_CLONES void fast_nearest(Tile<T> tile, End end, const T* bound, int64_t first_reference,      \
                                     T* best, int64_t* reference) {                                       \
    if (end == End::kRow)                                                                                 \
      nearest_of_rows(tile, bound, first_reference, best, reference);                                     \
    else                                                                                                  \
      nearest_of_references(tile, bound, first_reference, best, reference);                               \
  }                                                                                                       \
  LODESTONE_CLONES void fast_count(Tile<T> tile, End end, Thresholds<T> t, double* count, double* cost) { \
    if (end == End::kRow)                                                                                 \
      count_of_rows(tile, t.value, t.stride, t.count, count, cost);                                       \
    else                                                                                                  \
      count_of_references(tile, t.value, t.stride, t.count, count, cost);                                 \
  }                                                                                                       \
  LODESTONE_CLONES void fast_weigh(Tile<T> tile, Thresholds<T> rows, Thresholds<T> references, T factor,  \
                                   T* weight) {                                                           \
    weigh(tile, rows, references, factor, weight);                                                        \
  }

LODESTONE_TILE_SEARCHES(float)
LODESTONE_TILE_SEARCHES(double)

#undef LODESTONE_TILE_SEARCHES

template <typename T>
Tile<T> tile_of(const at::Tensor& value_rc) {
  return {value_rc.const_data_ptr<T>(), value_rc.size(0), value_rc.size(1)};
}

template <typename T>
Thresholds<T> thresholds_of(const at::Tensor& threshold_Pn, int64_t first) {
  if (!threshold_Pn.defined() || threshold_Pn.size(0) == 0) return {};
  return {threshold_Pn.const_data_ptr<T>() + first, threshold_Pn.stride(0), threshold_Pn.size(0)};
}

// `offer` in plain ATen.
void offer_anywhere(const at::Tensor& value_rc, const at::Tensor& bound_r, int64_t first_reference,
                    at::Tensor best_r, at::Tensor reference_r) {
  const auto [value_r, place_r] =
      at::min(at::where(value_rc > bound_r.unsqueeze(1), value_rc, kInfinity<double>), 1);
  const at::Tensor number_r = place_r + first_reference;
  const at::Tensor tie_r = at::logical_and(value_r == best_r, number_r < reference_r);
  const at::Tensor better_r =
      at::logical_and(value_r < kInfinity<double>, at::logical_or(value_r < best_r, tie_r));
  best_r.copy_(at::where(better_r, value_r, best_r));
  reference_r.copy_(at::where(better_r, number_r, reference_r));
}

}  // namespace

NearestReferences::NearestReferences(int64_t slots, int64_t rows, const at::TensorOptions& options)
    : value_Sn(at::full({slots, rows}, kInfinity<double>, options)),
      reference_Sn(at::full({slots, rows}, -1, options.dtype(at::kLong))) {}

void NearestReferences::offer(int64_t slot, const at::Tensor& value_rc, End end, int64_t first,
                              const at::Tensor& bound_Sn, int64_t first_reference) {
  if (!value_rc.device().is_cpu()) {
    const at::Tensor own_rc = end == End::kRow ? value_rc : value_rc.t();
    const auto own = [&](const at::Tensor& x_Sn) {
      return x_Sn.select(0, slot).narrow(0, first, own_rc.size(0));
    };
    offer_anywhere(own_rc, own(bound_Sn), first_reference, own(value_Sn), own(reference_Sn));
    return;
  }
  AT_DISPATCH_FLOATING_TYPES(value_rc.scalar_type(), "nearest references", [&] {
    const int64_t begin = slot * value_Sn.size(1) + first;
    fast_nearest(tile_of<scalar_t>(value_rc), end, bound_Sn.const_data_ptr<scalar_t>() + begin,
                 first_reference, value_Sn.mutable_data_ptr<scalar_t>() + begin,
                 reference_Sn.mutable_data_ptr<int64_t>() + begin);
  });
}

void count_below(const at::Tensor& value_rc, End end, int64_t first, const at::Tensor& threshold_Pn,
                 const at::Tensor& count_Pn, const at::Tensor& cost_n) {
  AT_DISPATCH_FLOATING_TYPES(value_rc.scalar_type(), "count below", [&] {
    fast_count(tile_of<scalar_t>(value_rc), end, thresholds_of<scalar_t>(threshold_Pn, first),
               count_Pn.mutable_data_ptr<double>() + first, cost_n.mutable_data_ptr<double>() + first);
  });
}

void weigh_below(const at::Tensor& value_rc, int64_t first_row, const at::Tensor& row_threshold_Pn,
                 int64_t first_reference, const at::Tensor& reference_threshold_Pn, double factor,
                 at::Tensor& weight_rc) {
  AT_DISPATCH_FLOATING_TYPES(value_rc.scalar_type(), "weigh below", [&] {
    fast_weigh(tile_of<scalar_t>(value_rc), thresholds_of<scalar_t>(row_threshold_Pn, first_row),
               thresholds_of<scalar_t>(reference_threshold_Pn, first_reference),
               static_cast<scalar_t>(factor), weight_rc.mutable_data_ptr<scalar_t>());
  });
}

}  // namespace lodestone::negatives
