#include "trainer/negatives/kernels/fused_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <ATen/Dispatch.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scalar_tensor.h>

#include "trainer/losses/vector_math.h"

namespace lodestone::negatives {

namespace {

// Rows whose sums over references are formed in the tile's type before they are added in float64.
constexpr int64_t kSummedRows = 32;

/// The operands of a sweep; null pointers are skipped.
template <typename T>
struct View {
  const T* x;
  T* out;
  int64_t rows, references;
  double *row_sum, *reference_sum;
  T* reference_part;  ///< room for the sums of a few rows
  const T *row_factor, *reference_factor;
};

// Σ f(c) over references; each term is also added to part, if it is not null.
template <typename T, typename Function>
LODESTONE_INLINE T fold_row(int64_t references, T* part, const Function& f) {
  T sum = 0;
  if (part) {
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < references; ++c) {
      const T term = f(c);
      part[c] += term;
      sum += term;
    }
  } else {
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < references; ++c) sum += f(c);
  }
  return sum;
}

// Adds f(row, c) to the sums of rows and of references. Returns the total.
template <typename T, typename Function>
LODESTONE_INLINE double fold_tile(const View<T>& tile, const Function& f) {
  double total = 0;
  T* part = tile.reference_sum ? tile.reference_part : nullptr;
  for (int64_t begin = 0; begin < tile.rows; begin += kSummedRows) {
    const int64_t end = begin + kSummedRows < tile.rows ? begin + kSummedRows : tile.rows;
    if (part) std::memset(part, 0, sizeof(T) * static_cast<size_t>(tile.references));
    for (int64_t r = begin; r < end; ++r) {
      const auto sum = static_cast<double>(fold_row(tile.references, part, f(r)));
      if (tile.row_sum) tile.row_sum[r] += sum;
      total += sum;
    }
    if (part)
      for (int64_t c = 0; c < tile.references; ++c) tile.reference_sum[c] += static_cast<double>(part[c]);
  }
  return total;
}

template <typename T>
LODESTONE_INLINE void exponentials_of(const View<T>& tile, T slope, T offset) {
  fold_tile(tile, [&](int64_t r) {
    return [slope, offset, x = tile.x + r * tile.references, out = tile.out + r * tile.references](
               int64_t c) { return out[c] = losses::vector_math::exp(slope * x[c] + offset); };
  });
}

template <bool kExponential, typename T>
LODESTONE_INLINE double weights_of(const View<T>& tile, T slope, T offset) {
  return fold_tile(tile, [&](int64_t r) {
    return [slope, offset, row = tile.row_factor[r], reference = tile.reference_factor,
            x = tile.x + r * tile.references, out = tile.out + r * tile.references](int64_t c) {
      return out[c] = (row + reference[c]) *
                      (kExponential ? losses::vector_math::exp(slope * x[c] + offset) : x[c]);
    };
  });
}

template <bool kAboveZero, typename T>
LODESTONE_INLINE void sums_of(const View<T>& tile) {
  fold_tile(tile, [&](int64_t r) {
    return [x = tile.x + r * tile.references](int64_t c) {
      return kAboveZero ? (x[c] > 0 ? T{1} : T{0}) : x[c];
    };
  });
}

// Returns the number of small results.
template <bool kRoot, typename T>
LODESTONE_INLINE double distances_of(const View<T>& tile, T share) {
  return fold_tile(tile, [&](int64_t r) {
    return [share, row = tile.row_factor[r], reference = tile.reference_factor,
            out = tile.out + r * tile.references](int64_t c) {
      const T both = row + reference[c], sum = both + out[c], square = sum < 0 ? T{0} : sum;
      out[c] = kRoot ? std::sqrt(square) : square;
      return square < share * both ? T{1} : T{0};
    };
  });
}

// The functions that are compiled for several processors: one per sweep and type.
#define LODESTONE_FUSED_KERNELS(T)                                                           \
  LODESTONE_CLONES void run_exponentials(const View<T>& tile, T slope, T offset) {           \
    exponentials_of(tile, slope, offset);                                                    \
  }                                                                                          \
  LODESTONE_CLONES double run_weigh(const View<T>& tile) {                                   \
    return weights_of<false>(tile, T{}, T{});                                                \
  }                                                                                          \
  LODESTONE_CLONES double run_weighed_exponentials(const View<T>& tile, T slope, T offset) { \
    return weights_of<true>(tile, slope, offset);                                            \
  }                                                                                          \
  LODESTONE_CLONES void run_sums(const View<T>& tile) {                                      \
    sums_of<false>(tile);                                                                    \
  }                                                                                          \
  LODESTONE_CLONES void run_counts(const View<T>& tile) {                                    \
    sums_of<true>(tile);                                                                     \
  }                                                                                          \
  LODESTONE_CLONES double run_squares(const View<T>& tile, T share) {                        \
    return distances_of<false>(tile, share);                                                 \
  }                                                                                          \
  LODESTONE_CLONES double run_roots(const View<T>& tile, T share) {                          \
    return distances_of<true>(tile, share);                                                  \
  }

LODESTONE_FUSED_KERNELS(float)
LODESTONE_FUSED_KERNELS(double)

#undef LODESTONE_FUSED_KERNELS

/// A view of tensors, with the buffers that it needs.
template <typename T>
class FusedKernel {
 public:
  FusedKernel(const at::Tensor& x_rc, at::Tensor& out_rc)
      : room_(static_cast<size_t>(std::max(x_rc.size(0), x_rc.size(1)))) {
    view.x = x_rc.const_data_ptr<T>();
    view.out = out_rc.mutable_data_ptr<T>();
    view.rows = x_rc.size(0);
    view.references = x_rc.size(1);
    view.reference_part = room_.data();
  }
  FusedKernel& add_to(const TileSums& sums) {
    if (sums.row_r.defined()) view.row_sum = sums.row_r.mutable_data_ptr<double>();
    if (sums.reference_c.defined()) view.reference_sum = sums.reference_c.mutable_data_ptr<double>();
    return *this;
  }
  FusedKernel& with(const TileFactors& factors) {
    view.row_factor = factors.row_r.defined() ? factors.row_r.const_data_ptr<T>() : room_.data();
    view.reference_factor =
        factors.reference_c.defined() ? factors.reference_c.const_data_ptr<T>() : room_.data();
    return *this;
  }

  View<T> view = {};

 private:
  std::vector<T> room_;  ///< zeros
};

bool has_fused_kernels(const at::Tensor& x_rc) {
  return x_rc.device().is_cpu();
}

// For other devices than CPUs.
at::Tensor outer_sum(const TileFactors& factors) {
  if (!factors.reference_c.defined()) return factors.row_r.unsqueeze(1);
  if (!factors.row_r.defined()) return factors.reference_c.unsqueeze(0);
  return factors.row_r.unsqueeze(1) + factors.reference_c.unsqueeze(0);
}

void add_by_aten(const at::Tensor& x_rc, const TileSums& sums) {
  if (sums.row_r.defined()) at::Tensor(sums.row_r).add_(x_rc.sum(1));
  if (sums.reference_c.defined()) at::Tensor(sums.reference_c).add_(x_rc.sum(0));
}

}  // namespace

void exponentials(const at::Tensor& x_rc, double slope, double offset, at::Tensor& out_rc,
                  const TileSums& sums) {
  if (!has_fused_kernels(x_rc)) {
    at::mul_out(out_rc, x_rc, at::scalar_tensor(slope, x_rc.options())).add_(offset).exp_();
    add_by_aten(out_rc, sums);
    return;
  }
  AT_DISPATCH_FLOATING_TYPES(x_rc.scalar_type(), "exponentials", [&] {
    run_exponentials(FusedKernel<scalar_t>(x_rc, out_rc).add_to(sums).view, static_cast<scalar_t>(slope),
                     static_cast<scalar_t>(offset));
  });
}

double weigh(const at::Tensor& x_rc, const TileFactors& factors, at::Tensor& out_rc, bool want_sum) {
  if (!has_fused_kernels(x_rc)) {
    at::mul_out(out_rc, x_rc, outer_sum(factors));
    return want_sum ? out_rc.sum().item<double>() : 0;
  }
  double sum = 0;
  AT_DISPATCH_FLOATING_TYPES(x_rc.scalar_type(), "weigh", [&] {
    sum = run_weigh(FusedKernel<scalar_t>(x_rc, out_rc).with(factors).view);
  });
  return want_sum ? sum : 0;
}

double weighed_exponentials(const at::Tensor& x_rc, double slope, double offset, const TileFactors& factors,
                            at::Tensor& out_rc, bool want_sum) {
  if (!has_fused_kernels(x_rc)) {
    exponentials(x_rc, slope, offset, out_rc, {});
    return weigh(out_rc, factors, out_rc, want_sum);
  }
  double sum = 0;
  AT_DISPATCH_FLOATING_TYPES(x_rc.scalar_type(), "weighed exponentials", [&] {
    sum = run_weighed_exponentials(FusedKernel<scalar_t>(x_rc, out_rc).with(factors).view,
                                   static_cast<scalar_t>(slope), static_cast<scalar_t>(offset));
  });
  return want_sum ? sum : 0;
}

void add_sums(const at::Tensor& x_rc, const TileSums& sums, const TileSums& above_zero) {
  const bool counts = above_zero.row_r.defined() || above_zero.reference_c.defined();
  if (!has_fused_kernels(x_rc)) {
    add_by_aten(x_rc, sums);
    if (counts) add_by_aten(x_rc > 0, above_zero);
    return;
  }
  AT_DISPATCH_FLOATING_TYPES(x_rc.scalar_type(), "add sums", [&] {
    at::Tensor unchanged_rc = x_rc;
    run_sums(FusedKernel<scalar_t>(x_rc, unchanged_rc).add_to(sums).view);
    if (counts) run_counts(FusedKernel<scalar_t>(x_rc, unchanged_rc).add_to(above_zero).view);
  });
}

bool finish_distances(at::Tensor& x_rc, const TileFactors& squares, double share, bool root) {
  if (!has_fused_kernels(x_rc)) {
    const at::Tensor both_rc = outer_sum(squares);
    x_rc.add_(both_rc).clamp_min_(0);
    const bool small = (x_rc < share * both_rc).any().item<bool>();
    if (root) x_rc.sqrt_();
    return small;
  }
  bool small = false;
  AT_DISPATCH_FLOATING_TYPES(x_rc.scalar_type(), "finish distances", [&] {
    const auto run = root ? static_cast<double (*)(const View<scalar_t>&, scalar_t)>(run_roots)
                          : static_cast<double (*)(const View<scalar_t>&, scalar_t)>(run_squares);
    small = run(FusedKernel<scalar_t>(x_rc, x_rc).with(squares).view, static_cast<scalar_t>(share)) > 0;
  });
  return small;
}

}  // namespace lodestone::negatives
