#include "trainer/negatives/tiles/tile_walk.h"

#include <algorithm>

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <unistd.h>

#include "trainer/negatives/kernels/measure.h"

namespace lodestone::negatives {

namespace {

// With smaller tiles products slow down and calls cost more than their computation.
constexpr int64_t kSmallestSide = 128, kSide = 256, kLargestSide = 1024, kGpuSide = 4096, kGpuDiagonal = 1024;

at::Tensor view_of(const at::Tensor& buffer, int64_t place, const TileSpan& span) {
  return buffer.narrow(0, place, span.rows * span.references).view({span.rows, span.references});
}

int64_t blocks_of(int64_t rows, int64_t side) {
  return (rows + side - 1) / side;
}

// Small enough that every thread has tiles in every round.
int64_t side_for(const Block& block) {
  int64_t side = tile_side(block.rows.u_nD.options());
  if (block.rows.u_nD.device().is_cuda()) return side;
  const int64_t least = std::min(block.rows.size, block.references.size);
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
  std::swap(other.rows, other.references);
  std::swap(other.masks, other.exchanged_masks);
  other.turned = !turned;
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

Worker::Worker(const Block& block, losses::Measure measure, double scale, int64_t side)
    : block_(block), measure_(measure), scale_(scale), side_(side) {}

void Worker::form(const TileSpan& span) {
  span_ = &span;
  excluded_ = false;
  for (auto& scratch_rc : scratch_rc_) scratch_rc = at::Tensor();
  KeptTiles* kept = block_.kept.get();
  stays_ = kept && span.place + span.rows * span.references <= kept->number_p.numel();
  found_ = stays_ && kept->formed[span.number];
  if (!stays_ && !buffer_.defined())
    buffer_ = at::empty({std::min(side_, block_.rows.size) * std::min(side_, block_.references.size)},
                        block_.rows.u_nD.options());
  tile_rc_ = stays_ ? view_of(kept->number_p, span.place, span) : view_of(buffer_, 0, span);
  if (found_) return;
  measure_tile(measure_, span.rows_of(block_.rows.factors()), span.references_of(block_.references.factors()),
               tile_rc_, scale_);
  if (measure_ != losses::Measure::kSimilarity && scale_ != 1) tile_rc_.mul_(scale_);
  if (stays_) kept->formed[span.number] = 1;
}

const Exclusions& Worker::exclusions() {
  if (excluded_) return exclusions_;
  excluded_ = true;
  if (tile_rc_.device().is_cpu()) {
    exclusions_.flat_p.clear();
    block_.masks->add_excluded(span_->row, span_->rows, span_->reference, span_->references,
                               exclusions_.flat_p);
  } else {
    exclusions_.mask_rc =
        block_.masks->excluded_mask(span_->row, span_->rows, span_->reference, span_->references);
  }
  return exclusions_;
}

at::Tensor& Worker::scratch(size_t which) {
  if (!scratch_[which].defined())
    scratch_[which] = at::empty({std::min(side_, block_.rows.size) * std::min(side_, block_.references.size)},
                                block_.rows.u_nD.options());
  if (!scratch_rc_[which].defined()) scratch_rc_[which] = view_of(scratch_[which], 0, *span_);
  return scratch_rc_[which];
}

TileWalk::TileWalk(const Block& block, losses::Measure measure, double scale)
    : block_(block),
      measure_(measure),
      scale_(scale),
      side_(side_for(block)),
      row_blocks_(blocks_of(block.rows.size, side_)),
      reference_blocks_(blocks_of(block.references.size, side_)),
      order_(static_cast<size_t>(row_blocks_ + (block.square ? 0 : reference_blocks_))) {
  if (block.square)
    plan_square();
  else
    plan();
  reserve_kept();
}

void TileWalk::add_span(int64_t row, int64_t rows, int64_t reference, int64_t references, bool both_sides) {
  const int64_t place =
      spans_.empty() ? 0 : spans_.back().place + spans_.back().rows * spans_.back().references;
  spans_.push_back({row, rows, reference, references, both_sides, spans_.size(), place});
}

void TileWalk::add_diagonal(int64_t row, int64_t rows) {
  if (rows <= (block_.rows.u_nD.device().is_cpu() ? kSmallestSide : kGpuDiagonal)) {
    add_span(row, rows, row, rows, false);
    return;
  }
  const int64_t half = rows / 2;
  add_diagonal(row, half);
  add_diagonal(row + half, rows - half);
  add_span(row, half, row + half, rows - half, true);
}

void TileWalk::add_task(int64_t row_block, int64_t reference_block) {
  const size_t first = spans_.size();
  const int64_t row = row_block * side_, reference = reference_block * side_;
  const int64_t rows = std::min(side_, block_.rows.size - row),
                references = std::min(side_, block_.references.size - reference);
  if (block_.square && row == reference)
    add_diagonal(row, rows);
  else
    add_span(row, rows, reference, references, block_.square || block_.to_references);
  tasks_.push_back({first, spans_.size()});
  order_.add(static_cast<size_t>(row_block),
             static_cast<size_t>(block_.square ? reference_block : row_blocks_ + reference_block));
}

void TileWalk::plan() {
  const int64_t count = std::max(row_blocks_, reference_blocks_);
  for (int64_t shift = 0; shift < count; ++shift)
    for (int64_t i = 0; i < row_blocks_; ++i)
      if ((i + shift) % count < reference_blocks_) add_task(i, (i + shift) % count);
}

void TileWalk::plan_square() {
  for (int64_t i = 0; i < row_blocks_; ++i) add_task(i, i);
  // A round-robin schedule (circle method), in which every range is paired with every other one once; with an
  // odd number one range pauses in each round.
  const int64_t players = row_blocks_ + row_blocks_ % 2;
  for (int64_t r = 0; r + 1 < players; ++r) {
    for (int64_t k = 0; k < players / 2; ++k) {
      const int64_t a = k == 0 ? players - 1 : (r + k) % (players - 1);
      const int64_t b = (r + players - 1 - k) % (players - 1);
      if (std::max(a, b) < row_blocks_) add_task(std::min(a, b), std::max(a, b));
    }
  }
}

void TileWalk::reserve_kept() {
  KeptTiles* kept = block_.kept.get();
  if (!kept || kept->number_p.defined()) return;
  const int64_t pairs =
      spans_.empty() ? 0 : spans_.back().place + spans_.back().rows * spans_.back().references;
  const int64_t size = std::min(*kept->room, pairs);
  *kept->room -= size;
  kept->number_p = at::empty({size}, block_.rows.u_nD.options());
  kept->formed.assign(spans_.size(), 0);
}

void TileWalk::run(const std::function<void(const TileSpan&, Worker&)>& visit) {
  const bool parallel = block_.rows.u_nD.device().is_cpu();
  const size_t threads = parallel ? static_cast<size_t>(at::get_num_threads()) : 1;
  std::vector<std::unique_ptr<Worker>> workers(threads);
  order_.run(threads, [&](size_t task, size_t thread) {
    if (!workers[thread]) workers[thread] = std::make_unique<Worker>(block_, measure_, scale_, side_);
    for (size_t i = tasks_[task].first; i < tasks_[task].end; ++i) {
      workers[thread]->form(spans_[i]);
      visit(spans_[i], *workers[thread]);
    }
  });
}

}  // namespace lodestone::negatives
