#include "distributed/reductions/row_shards.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <ATen/ops/empty.h>

namespace lodestone::distributed {

namespace {

constexpr int64_t kPieceBytes = int64_t{32} << 20;

// How many rows of each of `ranks` go into a piece.
int64_t rows_a_piece(const at::Tensor& x_nX, int64_t ranks) {
  const int64_t row_bytes =
      std::max<int64_t>(c10::multiply_integers(x_nX.sizes().slice(1)) * x_nX.element_size(), 1);
  return std::max<int64_t>(kPieceBytes / (row_bytes * ranks), 1);
}

std::vector<int64_t> with_rows(const at::Tensor& x_nX, int64_t rows) {
  std::vector<int64_t> shape = x_nX.sizes().vec();
  shape[0] = rows;
  return shape;
}

}  // namespace

at::Tensor gather_rows(const Group& group, const at::Tensor& own_nX) {
  if (group.size() == 1) return own_nX.cpu();
  const std::vector<int64_t> counts = group.gather_counts(own_nX.size(0));
  const int64_t most = *std::max_element(counts.begin(), counts.end()),
                rows = rows_a_piece(own_nX, group.size());
  at::Tensor whole_NX;
  if (group.rank() == 0)
    whole_NX = at::empty(with_rows(own_nX, std::accumulate(counts.begin(), counts.end(), int64_t{0})),
                         own_nX.options().device(at::kCPU));
  for (int64_t begin = 0; begin < most; begin += rows) {
    std::vector<int64_t> piece_counts;
    for (const int64_t count : counts) piece_counts.push_back(std::clamp<int64_t>(count - begin, 0, rows));
    const int64_t mine = piece_counts[static_cast<size_t>(group.rank())];
    const at::Tensor piece_nX = group.all_gather(own_nX.narrow(0, mine > 0 ? begin : 0, mine), piece_counts);
    if (group.rank() != 0) continue;
    int64_t from = 0, to = begin;  // offsets of a rank's rows: in the piece, and in whole_NX
    for (size_t rank = 0; rank < counts.size(); ++rank) {
      if (piece_counts[rank] > 0)
        whole_NX.narrow(0, to, piece_counts[rank]).copy_(piece_nX.narrow(0, from, piece_counts[rank]));
      from += piece_counts[rank];
      to += counts[rank];
    }
  }
  return whole_NX;
}

void scatter_rows(const Group& group, const at::Tensor& whole_NX, at::Tensor own_nX, int64_t first) {
  const int64_t last = first + own_nX.size(0), all = whole_NX.size(0), rows = rows_a_piece(whole_NX, 1);
  if (group.size() == 1) {
    own_nX.copy_(whole_NX.narrow(0, first, last - first));
    return;
  }
  for (int64_t begin = 0; begin < all; begin += rows) {
    const int64_t end = std::min(all, begin + rows);
    at::Tensor piece_nX =
        group.rank() == 0
            ? whole_NX.narrow(0, begin, end - begin).to(own_nX.device()).contiguous()
            : at::empty(with_rows(whole_NX, end - begin), own_nX.options().dtype(whole_NX.scalar_type()));
    group.broadcast(piece_nX);
    const int64_t from = std::max(begin, first), to = std::min(end, last);
    if (from < to)
      own_nX.narrow(0, from - first, to - from).copy_(piece_nX.narrow(0, from - begin, to - from));
  }
}

}  // namespace lodestone::distributed
