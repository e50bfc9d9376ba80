#include "trainer/negatives/tile_walk.h"

#include <unistd.h>

#include <algorithm>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "trainer/negatives/measure.h"

namespace lodestone {

namespace {

constexpr int64_t kSmallestSide = 512, kLargestSide = 2048, kGpuSide = 4096;

at::Tensor view_of(const at::Tensor& buffer, int64_t rows, int64_t refs) {
  return buffer.narrow(0, 0, rows * refs).view({rows, refs});
}

}  // namespace

int64_t tile_side(const at::TensorOptions& options) {
  if (options.device().is_cuda()) return kGpuSide;
  const int64_t cache = std::max<int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE), 1 << 18) * at::get_num_threads();
  int64_t side = kSmallestSide;
  while (side < kLargestSide && 2 * (2 * side) * (2 * side) * static_cast<int64_t>(options.dtype().itemsize()) <= 2 * cache)
    side *= 2;
  return side;
}

Block Block::exchanged() const {
  Block other = *this;
  std::swap(other.rows, other.refs);
  std::swap(other.relatives, other.exchanged_relatives);
  return other;
}

void Exclusions::fill(at::Tensor& x_rc, double value) const {
  if (mask_rc.defined()) {
    x_rc.masked_fill_(mask_rc, value);
  } else if (flat_p.size(0) > 0) {
    x_rc.view(-1).index_fill_(0, flat_p, value);
  }
}

TileWalk::TileWalk(const Block& block, Measure measure, double scale)
    : block_(block),
      measure_(measure),
      scale_(scale),
      side_(tile_side(block.rows.u_nD.options())) {
  const int64_t elements = std::min(side_, block.rows.size) * std::min(side_, block.refs.size);
  buffer_ = at::empty({elements}, block.rows.u_nD.options());
}

at::Tensor TileWalk::scratch(const TileSpan& span, size_t which) {
  if (!scratch_[which].defined()) scratch_[which] = at::empty_like(buffer_);
  return view_of(scratch_[which], span.rows, span.refs);
}

void TileWalk::begin_rows(int64_t row) {
  const int64_t rows = std::min(side_, block_.rows.size - row);
  const at::Tensor u_rD = block_.rows.u_nD.narrow(0, row, rows);
  scaled_rD_ = measure_ == Measure::kSimilarity && scale_ != 1 ? u_rD * scale_ : u_rD;
  by_mask_ = block_.relatives->exclude_by_mask(row, rows);
  if (by_mask_) return;
  excluded_ = block_.relatives->excluded(row, rows);
  const at::Tensor ref_p = excluded_.ref_p.cpu();
  const int64_t *begin = ref_p.const_data_ptr<int64_t>(), *end = begin + ref_p.numel();
  bounds_.clear();
  for (int64_t edge = 0; edge < block_.refs.size + side_; edge += side_)
    bounds_.push_back(std::lower_bound(begin, end, edge) - begin);
}

TileSpan TileWalk::span_at(int64_t row, int64_t ref) const {
  return {row, std::min(side_, block_.rows.size - row), ref, std::min(side_, block_.refs.size - ref),
          block_.square ? ref > row : block_.to_refs};
}

void TileWalk::form(const TileSpan& span) {
  tile_rc_ = view_of(buffer_, span.rows, span.refs);
  measure_tile(measure_, scaled_rD_, span.refs_of(block_.refs.u_nD), tile_rc_);
  if (measure_ != Measure::kSimilarity && scale_ != 1) tile_rc_.mul_(scale_);
  if (by_mask_) {
    exclusions_.mask_rc = block_.relatives->excluded_mask(span.row, span.rows, span.ref, span.refs);
    return;
  }
  exclusions_.mask_rc = at::Tensor();
  const auto at = static_cast<size_t>(span.ref / side_);
  const PairList pairs = excluded_.narrow(bounds_[at], bounds_[at + 1] - bounds_[at]);
  exclusions_.flat_p = pairs.row_p * span.refs + (pairs.ref_p - span.ref);
}

}  // namespace lodestone
