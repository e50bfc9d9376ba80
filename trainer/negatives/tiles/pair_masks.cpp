#include "trainer/negatives/tiles/pair_masks.h"

#include <algorithm>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/logical_or.h>

namespace lodestone::negatives {

namespace {

// Pairs listed at a time; their indices take a few times 16 bytes each.
constexpr int64_t kListed = 1 << 17;

const int64_t* data_of(const at::Tensor& x) {
  return x.const_data_ptr<int64_t>();
}

// Indices by ascending key, then by index.
std::vector<int64_t> ascending(const int64_t* keys, int64_t size) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  if (!std::is_sorted(keys, keys + size))
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return keys[a] < keys[b]; });
  return order;
}

int64_t total_of(const std::vector<int64_t>& totals, int64_t row, int64_t rows) {
  if (rows == 0) return 0;
  const auto at = [&](int64_t i) { return i < 0 ? 0 : totals[static_cast<size_t>(i)]; };
  return at(row + rows - 1) - at(row - 1);
}

at::Tensor tensor_of(const std::vector<int64_t>& values) {
  at::Tensor x = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), x.mutable_data_ptr<int64_t>());
  return x;
}

}  // namespace

KeyMatches::KeyMatches(const at::Tensor& key_r, const at::Tensor& key_n) {
  const int64_t *rows = data_of(key_r), *references = data_of(key_n), n = key_n.size(0);
  order_n = ascending(references, n);
  const std::vector<int64_t> order_r =
      rows == references && key_r.size(0) == n ? order_n : ascending(rows, key_r.size(0));
  begin_r.resize(order_r.size());
  end_r.resize(order_r.size());
  int64_t begin = 0, end = 0;
  const auto key_at = [&](int64_t place) { return references[order_n[static_cast<size_t>(place)]]; };
  for (const int64_t row : order_r) {
    while (begin < n && key_at(begin) < rows[row]) ++begin;
    end = std::max(begin, end);
    while (end < n && key_at(end) == rows[row]) ++end;
    begin_r[static_cast<size_t>(row)] = begin;
    end_r[static_cast<size_t>(row)] = end;
  }
}

PairMasks::PairMasks(const Part& rows, const Part& references, bool reference_is_past)
    : rows_(rows),
      references_(references),
      reference_is_past_(reference_is_past),
      row_group_r_(rows.groups().cpu().contiguous()),
      reference_group_n_(references.groups().cpu().contiguous()),
      row_id_r_(rows.ids().cpu().contiguous()),
      reference_id_n_(references.ids().cpu().contiguous()) {
  rows_.u_nD = references_.u_nD = rows_.half_nD = references_.half_nD = at::Tensor();
  labels_ = KeyMatches(rows.labels().cpu().contiguous(), references.labels().cpu().contiguous());
  groups_ = KeyMatches(row_group_r_, reference_group_n_);
  ids_ = KeyMatches(row_id_r_, reference_id_n_);
  count();
}

void PairMasks::count() {
  std::vector<int64_t> positives, excluded, same_sample;
  HostPairs found;
  int64_t label_total = 0;
  // In its own class a row is not a positive of itself, and past samples with its id are not positives.
  const bool drops = reference_is_past_;
  for (int64_t r = 0; r < rows_.size; ++r) {
    found.row_p.clear();
    found.reference_p.clear();
    add_same_sample(r, 0, found);
    same_sample.push_back(static_cast<int64_t>(found.reference_p.size()));
    excluded.push_back(groups_.count(r) + same_sample.back());
    label_matches_.push_back(label_total += labels_.count(r));
    int64_t own = labels_.count(r);
    if (drops) {
      found.reference_p.clear();
      add_positives(r, 0, found);
      own = static_cast<int64_t>(found.reference_p.size());
    } else if (rows_.set == references_.set) {
      const int64_t self = rows_.first + r - references_.first;
      own -= self >= 0 && self < references_.size;
    }
    positives.push_back(own);
  }
  const auto device = rows_.set->label_n.device();
  counts_ = {tensor_of(positives).to(device), tensor_of(excluded).to(device),
             tensor_of(same_sample).to(device),
             std::any_of(same_sample.begin(), same_sample.end(), [](int64_t n) { return n > 0; })};
}

void PairMasks::add_positives(int64_t row, int64_t offset, HostPairs& pairs) const {
  const int64_t self = rows_.set == references_.set ? rows_.first + row - references_.first : -1;
  const int64_t *row_id = data_of(row_id_r_), *reference_id = data_of(reference_id_n_);
  for (int64_t k = labels_.begin_r[static_cast<size_t>(row)]; k < labels_.end_r[static_cast<size_t>(row)];
       ++k) {
    const int64_t reference = labels_.order_n[static_cast<size_t>(k)];
    if (reference_is_past_ ? row_id[row] == reference_id[reference] : reference == self) continue;
    pairs.row_p.push_back(row - offset);
    pairs.reference_p.push_back(reference);
  }
}

// Pairs of one sample that the groups do not exclude already.
void PairMasks::add_same_sample(int64_t row, int64_t offset, HostPairs& pairs) const {
  const int64_t *row_group = data_of(row_group_r_), *reference_group = data_of(reference_group_n_);
  for (int64_t k = ids_.begin_r[static_cast<size_t>(row)]; k < ids_.end_r[static_cast<size_t>(row)]; ++k) {
    const int64_t reference = ids_.order_n[static_cast<size_t>(k)];
    if (row_group[row] == reference_group[reference]) continue;
    pairs.row_p.push_back(row - offset);
    pairs.reference_p.push_back(reference);
  }
}

PairList PairMasks::on_device(const HostPairs& pairs) const {
  const auto device = rows_.set->label_n.device();
  return {tensor_of(pairs.row_p).to(device), tensor_of(pairs.reference_p).to(device)};
}

std::vector<std::pair<int64_t, int64_t>> PairMasks::row_ranges() const {
  std::vector<std::pair<int64_t, int64_t>> all;
  for (int64_t row = 0; row < rows_.size;) {
    int64_t rows = 1;
    while (row + rows < rows_.size && total_of(label_matches_, row, rows + 1) <= kListed) ++rows;
    all.emplace_back(row, rows);
    row += rows;
  }
  return all;
}

PairList PairMasks::positives(int64_t row, int64_t rows) const {
  HostPairs pairs;
  for (int64_t r = row; r < row + rows; ++r) add_positives(r, row, pairs);
  return on_device(pairs);
}

void PairMasks::add_excluded(int64_t row, int64_t rows, int64_t reference, int64_t references,
                             std::vector<int64_t>& flat_p) const {
  // References of one key are in ascending order.
  const auto add = [&](const KeyMatches& matches, int64_t r) {
    const auto begin = matches.order_n.begin() + matches.begin_r[static_cast<size_t>(r)];
    const auto end = matches.order_n.begin() + matches.end_r[static_cast<size_t>(r)];
    for (auto k = std::lower_bound(begin, end, reference); k != end && *k < reference + references; ++k)
      flat_p.push_back((r - row) * references + *k - reference);
  };
  for (int64_t r = row; r < row + rows; ++r) {
    add(groups_, r);
    if (counts_.any_same_sample) add(ids_, r);
  }
}

at::Tensor PairMasks::excluded_mask(int64_t row, int64_t rows, int64_t reference, int64_t references) const {
  const auto equal = [&](const at::Tensor& x_r, const at::Tensor& y_n) {
    return x_r.narrow(0, row, rows).unsqueeze(1) == y_n.narrow(0, reference, references).unsqueeze(0);
  };
  return at::logical_or(equal(rows_.groups(), references_.groups()), equal(rows_.ids(), references_.ids()));
}

}  // namespace lodestone::negatives
