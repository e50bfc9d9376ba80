#include "trainer/negatives/tile_walk.h"

#include <algorithm>

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <unistd.h>

#include "trainer/negatives/measure.h"

namespace lodestone {

namespace {

// Below the smallest, products slow down and calls cost more than what they compute.
constexpr int64_t kSmallestSide = 128, kSide = 256, kLargestSide = 1024, kGpuSide = 4096;

at::Tensor view_of(const at::Tensor& buffer, const TileSpan& span) {
  return buffer.narrow(0, 0, span.rows * span.refs).view({span.rows, span.refs});
}

int64_t blocks_of(int64_t rows, int64_t side) {
  return (rows + side - 1) / side;
}

// Small enough that every thread has tiles in every round.
int64_t side_for(const Block& block) {
  int64_t side = tile_side(block.rows.u_nD.options());
  if (block.rows.u_nD.device().is_cuda()) return side;
  const int64_t least = std::min(block.rows.size, block.refs.size);
  while (side > kSmallestSide && least < 2 * side * at::get_num_threads()) side /= 2;
  return side;
}

}  // namespace

int64_t tile_side(const at::TensorOptions& options) {
  if (options.device().is_cuda()) return kGpuSide;
  const int64_t cache = sysconf(_SC_LEVEL2_CACHE_SIZE),
                item = static_cast<int64_t>(options.dtype().itemsize());
  int64_t side = kSide;
  while (side < kLargestSide && (2 * side) * (2 * side) * item <= cache) side *= 2;
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
    return;
  }
  if (flat_p.empty()) return;
  AT_DISPATCH_FLOATING_TYPES(x_rc.scalar_type(), "fill excluded pairs", [&] {
    scalar_t* x = x_rc.mutable_data_ptr<scalar_t>();
    for (const int64_t place : flat_p) x[place] = static_cast<scalar_t>(value);
  });
}

Worker::Worker(const Block& block, Measure measure, double scale, int64_t side)
    : block_(block), measure_(measure), scale_(scale) {
  buffer_ = at::empty({std::min(side, block.rows.size) * std::min(side, block.refs.size)},
                      block.rows.u_nD.options());
}

void Worker::form(const TileSpan& span) {
  tile_rc_ = view_of(buffer_, span);
  measure_tile(measure_, span.rows_of(block_.rows.u_nD), span.refs_of(block_.refs.u_nD), tile_rc_, scale_);
  if (measure_ != Measure::kSimilarity && scale_ != 1) tile_rc_.mul_(scale_);
  if (tile_rc_.device().is_cpu()) {
    exclusions_.flat_p.clear();
    block_.relatives->add_excluded(span.row, span.rows, span.ref, span.refs, exclusions_.flat_p);
  } else {
    exclusions_.mask_rc = block_.relatives->excluded_mask(span.row, span.rows, span.ref, span.refs);
  }
}

at::Tensor Worker::scratch(size_t which) {
  if (!scratch_[which].defined()) scratch_[which] = at::empty_like(buffer_);
  return scratch_[which].narrow(0, 0, tile_rc_.numel()).view(tile_rc_.sizes());
}

TileWalk::TileWalk(const Block& block, Measure measure, double scale)
    : block_(block),
      measure_(measure),
      scale_(scale),
      side_(side_for(block)),
      row_blocks_(blocks_of(block.rows.size, side_)),
      ref_blocks_(blocks_of(block.refs.size, side_)) {}

size_t TileWalk::tiles() const {
  return static_cast<size_t>(row_blocks_ * ref_blocks_);
}

TileSpan TileWalk::span_at(int64_t row_block, int64_t ref_block) const {
  const int64_t row = row_block * side_, ref = ref_block * side_;
  return {row,
          std::min(side_, block_.rows.size - row),
          ref,
          std::min(side_, block_.refs.size - ref),
          block_.square ? ref > row : block_.to_refs,
          static_cast<size_t>(row_block * ref_blocks_ + ref_block)};
}

std::vector<std::vector<std::pair<int64_t, int64_t>>> TileWalk::rounds() const {
  std::vector<std::vector<std::pair<int64_t, int64_t>>> all;
  if (!block_.square) {
    const int64_t count = std::max(row_blocks_, ref_blocks_);
    for (int64_t shift = 0; shift < count; ++shift) {
      auto& round = all.emplace_back();
      for (int64_t i = 0; i < count; ++i)
        if (i < row_blocks_ && (i + shift) % count < ref_blocks_) round.emplace_back(i, (i + shift) % count);
    }
    return all;
  }
  auto& diagonal = all.emplace_back();
  for (int64_t i = 0; i < row_blocks_; ++i) diagonal.emplace_back(i, i);
  // A tournament in which everyone meets everyone once (the circle method); with an odd number one sits out each round.
  const int64_t players = row_blocks_ + row_blocks_ % 2;
  for (int64_t r = 0; r + 1 < players; ++r) {
    auto& round = all.emplace_back();
    for (int64_t k = 0; k < players / 2; ++k) {
      const int64_t a = k == 0 ? players - 1 : (r + k) % (players - 1);
      const int64_t b = (r + players - 1 - k) % (players - 1);
      if (std::max(a, b) < row_blocks_) round.emplace_back(std::min(a, b), std::max(a, b));
    }
  }
  return all;
}

void TileWalk::run(const std::function<void(const TileSpan&, Worker&)>& visit) {
  if (tiles() == 0) return;
  const bool parallel = block_.rows.u_nD.device().is_cpu();
  const size_t threads = parallel ? static_cast<size_t>(at::get_num_threads()) : 1;
  std::vector<std::unique_ptr<Worker>> workers(threads);
  const auto work = [&](const std::pair<int64_t, int64_t>& tile, size_t thread) {
    if (!workers[thread]) workers[thread] = std::make_unique<Worker>(block_, measure_, scale_, side_);
    const TileSpan span = span_at(tile.first, tile.second);
    workers[thread]->form(span);
    visit(span, *workers[thread]);
  };
  for (const auto& round : rounds()) {
    if (threads == 1 || round.size() == 1) {
      for (const auto& tile : round) work(tile, 0);
      continue;
    }
    at::parallel_for(0, static_cast<int64_t>(round.size()), 1, [&](int64_t begin, int64_t end) {
      const at::NoGradGuard no_grad;
      for (int64_t i = begin; i < end; ++i)
        work(round[static_cast<size_t>(i)], static_cast<size_t>(at::get_thread_num()));
    });
  }
}

}  // namespace lodestone
