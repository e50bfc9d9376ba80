#pragma once

#include <cstdint>

// The passes over memory of batch norm and the operation after it, for float32 images in channels-last order:
// rows of C channels, one per pixel, C a multiple of kLanes. Each pass reads and writes every number once.
// Sums run over fixed blocks of rows and are added in double precision, so they do not depend on the number
// of threads.

namespace lodestone::encoders::norm_kernels {

constexpr int64_t kLanes = 8;

/// The size of a batch of images.
struct Size {
  int64_t b, height, width, channels;
  int64_t pixels() const { return b * height * width; }
  int64_t pooled() const { return b * (height / 2) * (width / 2); }
};

/// mean_C = Σx / n and squares_C = Σ(x - mean)² over n pixels.
void moments(const float* x, int64_t n, int64_t channels, double* mean_C, double* squares_C);

/// y = relu(a x + b + residual); `residual` may be null, and `keep_negative` leaves relu out.
void affine(const float* x, const float* residual, int64_t n, int64_t channels, const float* a_C,
            const float* b_C, bool keep_negative, float* y);

/// Σg and Σg·(x - mean), where g = dy where y > 0; `y` null: g = dy.
void slope_sums(const float* dy, const float* y, const float* x, int64_t n, int64_t channels,
                const float* mean_C, double* sum_C, double* product_C);

/// dx = a g + slope x + offset, and g itself into `residual` if that isn't null.
void slopes(const float* dy, const float* y, const float* x, int64_t n, int64_t channels, const float* a_C,
            const float* slope_C, const float* offset_C, float* dx, float* residual);

/// y = relu of the largest a x + b of every 2×2 pixels (a last odd row or column is left out). `chosen` gets
/// the x of the largest and `place` its index among the four, the first one of equals, or kNone if relu made
/// it 0; both null: neither is kept.
constexpr uint8_t kNone = 4;
void affine_pool(const float* x, const Size& size, const float* a_C, const float* b_C, float* y,
                 float* chosen, uint8_t* place);

/// Σg and Σg·(chosen - mean), where g = dy where place isn't kNone, over n pooled pixels.
void pooled_slope_sums(const float* dy, const float* chosen, const uint8_t* place, int64_t n,
                       int64_t channels, const float* mean_C, double* sum_C, double* product_C);

/// dx = a g + slope x + offset, where g = dy at the pixel that was chosen and 0 at the others.
void pooled_slopes(const float* dy, const uint8_t* place, const float* x, const Size& size, const float* a_C,
                   const float* slope_C, const float* offset_C, float* dx);

}  // namespace lodestone::encoders::norm_kernels
