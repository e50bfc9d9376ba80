#include "trainer/encoders/norm_kernels.h"

#include <algorithm>
#include <vector>

#include "common/parallel.h"
#include "common/simd.h"

namespace lodestone::encoders::norm_kernels {

namespace {

// Eight neighbouring channels, at any address that is aligned for their element. No wider than AVX2's
// registers: GCC 12 splits comparisons of wider vectors into single numbers (pooling took ten times as long).
typedef float Lanes __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t Marks __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(8), aligned(1), may_alias));

constexpr int64_t kRows = 64;     // rows whose sum is formed in float32
constexpr int64_t kBlock = 1024;  // rows whose sums one task computes

inline const Lanes& lanes(const float* p) {
  return *reinterpret_cast<const Lanes*>(p);
}
inline Lanes& lanes(float* p) {
  return *reinterpret_cast<Lanes*>(p);
}
inline const Bytes& bytes(const uint8_t* p) {
  return *reinterpret_cast<const Bytes*>(p);
}
inline Bytes& bytes(uint8_t* p) {
  return *reinterpret_cast<Bytes*>(p);
}

// Adds to two sums per channel.
void add(const Lanes& first, const Lanes& second, int64_t c, double* first_C, double* second_C) {
  for (int64_t k = 0; k < kLanes; ++k) {
    first_C[c + k] += first[k];
    second_C[c + k] += second[k];
  }
}

LODESTONE_CLONES
void moment_sums(const float* x, int64_t n, int64_t channels, const float* shift_C, double* sum_C,
                 double* square_C) {
  for (int64_t begin = 0; begin < n; begin += kRows) {
    const int64_t end = std::min(n, begin + kRows);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Lanes shift = lanes(shift_C + c);
      Lanes sum = {}, square = {};
      for (int64_t i = begin; i < end; ++i) {
        const Lanes v = lanes(x + i * channels + c) - shift;
        sum += v;
        square += v * v;
      }
      add(sum, square, c, sum_C, square_C);
    }
  }
}

LODESTONE_CLONES
void slope_sums_of(const float* dy, const float* y, const float* x, int64_t n, int64_t channels,
                   const float* mean_C, double* sum_C, double* product_C) {
  const Lanes zero = {};
  for (int64_t begin = 0; begin < n; begin += kRows) {
    const int64_t end = std::min(n, begin + kRows);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Lanes mean = lanes(mean_C + c);
      Lanes sum = {}, product = {};
      for (int64_t i = begin * channels + c; i < end * channels; i += channels) {
        Lanes g = lanes(dy + i);
        if (y) g = lanes(y + i) > zero ? g : zero;
        sum += g;
        product += g * (lanes(x + i) - mean);
      }
      add(sum, product, c, sum_C, product_C);
    }
  }
}

LODESTONE_CLONES
void pooled_sums_of(const float* dy, const float* chosen, const uint8_t* place, int64_t n, int64_t channels,
                    const float* mean_C, double* sum_C, double* product_C) {
  const Lanes zero = {};
  for (int64_t begin = 0; begin < n; begin += kRows) {
    const int64_t end = std::min(n, begin + kRows);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Lanes mean = lanes(mean_C + c);
      Lanes sum = {}, product = {};
      for (int64_t i = begin * channels + c; i < end * channels; i += channels) {
        const Marks where = __builtin_convertvector(bytes(place + i), Marks);
        const Lanes g = where != kNone ? lanes(dy + i) : zero;
        sum += g;
        product += g * (lanes(chosen + i) - mean);
      }
      add(sum, product, c, sum_C, product_C);
    }
  }
}

LODESTONE_CLONES
void affine_of(const float* x, const float* residual, int64_t n, int64_t channels, const float* a_C,
               const float* b_C, bool keep_negative, float* y) {
  const Lanes zero = {};
  for (int64_t i = 0; i < n * channels; i += channels)
    for (int64_t c = 0; c < channels; c += kLanes) {
      Lanes v = lanes(x + i + c) * lanes(a_C + c) + lanes(b_C + c);
      if (residual) v += lanes(residual + i + c);
      lanes(y + i + c) = keep_negative ? v : v < zero ? zero : v;  // NaN stays
    }
}

LODESTONE_CLONES
void slopes_of(const float* dy, const float* y, const float* x, int64_t n, int64_t channels, const float* a_C,
               const float* slope_C, const float* offset_C, float* dx, float* residual) {
  const Lanes zero = {};
  for (int64_t i = 0; i < n * channels; i += channels)
    for (int64_t c = 0; c < channels; c += kLanes) {
      Lanes g = lanes(dy + i + c);
      if (y) g = lanes(y + i + c) > zero ? g : zero;
      if (residual) lanes(residual + i + c) = g;
      lanes(dx + i + c) = g * lanes(a_C + c) + lanes(x + i + c) * lanes(slope_C + c) + lanes(offset_C + c);
    }
}

// Rows [begin, end) of the pooled images, counted over the batch.
LODESTONE_CLONES
void pool_rows(const float* x, const Size& size, int64_t begin, int64_t end, const float* a_C,
               const float* b_C, float* y, float* chosen, uint8_t* place) {
  const int64_t channels = size.channels, height = size.height / 2, width = size.width / 2;
  const int64_t next[4] = {0, channels, size.width * channels, (size.width + 1) * channels};
  const Lanes zero = {};
  for (int64_t row = begin; row < end; ++row) {
    const int64_t top = (row / height * size.height + row % height * 2) * size.width;
    for (int64_t column = 0; column < width; ++column)
      for (int64_t c = 0; c < channels; c += kLanes) {
        const float* from = x + (top + column * 2) * channels + c;
        const int64_t to = (row * width + column) * channels + c;
        const Lanes a = lanes(a_C + c), b = lanes(b_C + c);
        Lanes best_x = lanes(from), best = best_x * a + b;
        Marks where = {};
        for (int k = 1; k < 4; ++k) {
          const Lanes other = lanes(from + next[k]), value = other * a + b;
          const Marks better = value > best;
          best = better ? value : best;
          best_x = better ? other : best_x;
          where = better ? Marks{} + k : where;
        }
        const Marks off = best <= zero;
        lanes(y + to) = off ? zero : best;
        if (!chosen) continue;
        lanes(chosen + to) = best_x;
        bytes(place + to) = __builtin_convertvector(off ? Marks{} + kNone : where, Bytes);
      }
  }
}

// Rows [begin, end) of the images, counted over the batch.
LODESTONE_CLONES
void pooled_slope_rows(const float* dy, const uint8_t* place, const float* x, const Size& size, int64_t begin,
                       int64_t end, const float* a_C, const float* slope_C, const float* offset_C,
                       float* dx) {
  const int64_t channels = size.channels, height = size.height / 2, width = size.width / 2;
  const Lanes zero = {};
  for (int64_t row = begin; row < end; ++row) {
    const int64_t image = row / size.height, line = row % size.height;
    const bool inside = line / 2 < height;
    for (int64_t column = 0; column < size.width; ++column) {
      const int64_t to = (row * size.width + column) * channels;
      const int64_t from = ((image * height + line / 2) * width + column / 2) * channels;
      const int k = static_cast<int>(line % 2 * 2 + column % 2);
      const bool pooled = inside && column / 2 < width;
      for (int64_t c = 0; c < channels; c += kLanes) {
        Lanes v = lanes(x + to + c) * lanes(slope_C + c) + lanes(offset_C + c);
        if (pooled) {
          const Marks where = __builtin_convertvector(bytes(place + from + c), Marks);
          v += (where == k ? lanes(dy + from + c) : zero) * lanes(a_C + c);
        }
        lanes(dx + to + c) = v;
      }
    }
  }
}

// Sums over blocks of rows, each by one task, added in their order. `task(begin, end, first_C, second_C)`.
template <typename Task>
void block_sums(int64_t n, int64_t channels, double* first_C, double* second_C, const Task& task) {
  const int64_t blocks = (n + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<size_t>(2 * blocks * channels), 0.0);
  parallel_ranges(blocks, 1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      double* own = sums.data() + 2 * block * channels;
      task(block * kBlock, std::min(n, (block + 1) * kBlock), own, own + channels);
    }
  });
  std::fill_n(first_C, channels, 0.0);
  std::fill_n(second_C, channels, 0.0);
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t c = 0; c < channels; ++c) {
      first_C[c] += sums[static_cast<size_t>(2 * block * channels + c)];
      second_C[c] += sums[static_cast<size_t>((2 * block + 1) * channels + c)];
    }
}

}  // namespace

void moments(const float* x, int64_t n, int64_t channels, double* mean_C, double* squares_C) {
  if (n == 0) {
    std::fill_n(mean_C, channels, 0.0);
    std::fill_n(squares_C, channels, 0.0);
    return;
  }
  // With the first pixel subtracted, the sum of squares loses no digits to a mean far from zero.
  block_sums(n, channels, mean_C, squares_C, [&](int64_t begin, int64_t end, double* sum, double* square) {
    moment_sums(x + begin * channels, end - begin, channels, x, sum, square);
  });
  for (int64_t c = 0; c < channels; ++c) {
    const double sum = mean_C[c];
    mean_C[c] = x[c] + sum / static_cast<double>(n);
    squares_C[c] = std::max(0.0, squares_C[c] - sum * sum / static_cast<double>(n));
  }
}

void affine(const float* x, const float* residual, int64_t n, int64_t channels, const float* a_C,
            const float* b_C, bool keep_negative, float* y) {
  parallel_ranges(n, kBlock, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * channels;
    affine_of(x + first, residual ? residual + first : nullptr, end - begin, channels, a_C, b_C,
              keep_negative, y + first);
  });
}

void slope_sums(const float* dy, const float* y, const float* x, int64_t n, int64_t channels,
                const float* mean_C, double* sum_C, double* product_C) {
  block_sums(n, channels, sum_C, product_C, [&](int64_t begin, int64_t end, double* sum, double* product) {
    const int64_t first = begin * channels;
    slope_sums_of(dy + first, y ? y + first : nullptr, x + first, end - begin, channels, mean_C, sum,
                  product);
  });
}

void slopes(const float* dy, const float* y, const float* x, int64_t n, int64_t channels, const float* a_C,
            const float* slope_C, const float* offset_C, float* dx, float* residual) {
  parallel_ranges(n, kBlock, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * channels;
    slopes_of(dy + first, y ? y + first : nullptr, x + first, end - begin, channels, a_C, slope_C, offset_C,
              dx + first, residual ? residual + first : nullptr);
  });
}

void affine_pool(const float* x, const Size& size, const float* a_C, const float* b_C, float* y,
                 float* chosen, uint8_t* place) {
  parallel_ranges(size.b * (size.height / 2), 16, [&](int64_t begin, int64_t end) {
    pool_rows(x, size, begin, end, a_C, b_C, y, chosen, place);
  });
}

void pooled_slope_sums(const float* dy, const float* chosen, const uint8_t* place, int64_t n,
                       int64_t channels, const float* mean_C, double* sum_C, double* product_C) {
  block_sums(n, channels, sum_C, product_C, [&](int64_t begin, int64_t end, double* sum, double* product) {
    const int64_t first = begin * channels;
    pooled_sums_of(dy + first, chosen + first, place + first, end - begin, channels, mean_C, sum, product);
  });
}

void pooled_slopes(const float* dy, const uint8_t* place, const float* x, const Size& size, const float* a_C,
                   const float* slope_C, const float* offset_C, float* dx) {
  parallel_ranges(size.b * size.height, 16, [&](int64_t begin, int64_t end) {
    pooled_slope_rows(dy, place, x, size, begin, end, a_C, slope_C, offset_C, dx);
  });
}

}  // namespace lodestone::encoders::norm_kernels
