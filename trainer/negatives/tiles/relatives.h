#pragma once

#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/negatives/tiles/row_set.h"

// Shapes: p pairs of a row and a ref, r × c a tile of them.

namespace lodestone {

/// A stretch of rows of a set: what one side of a block of pairs consists of.
struct Part {
  const RowSet* set = nullptr;
  int64_t first = 0, size = 0;
  at::Tensor u_nD;          ///< the rows
  at::Tensor half_nD = {};  ///< in bfloat16, if products are formed of it

  /// The rows as factors of products.
  const at::Tensor& factors() const { return half_nD.defined() ? half_nD : u_nD; }
  at::Tensor labels() const { return set->label_n.narrow(0, first, size); }
  at::Tensor groups() const { return set->group_n.narrow(0, first, size); }
  at::Tensor ids() const { return set->id_n.narrow(0, first, size); }
};

/// Pairs as offsets into two parts.
struct PairList {
  at::Tensor row_p, ref_p;  ///< int64

  int64_t size() const { return row_p.size(0); }
  PairList narrow(int64_t begin, int64_t count) const {
    return {row_p.narrow(0, begin, count), ref_p.narrow(0, begin, count)};
  }
};

/// The refs that share a key with each row: found by sorting, never by comparing all pairs. On the host.
struct KeyMatches {
  KeyMatches() = default;
  KeyMatches(const at::Tensor& key_r, const at::Tensor& key_n);
  int64_t count(int64_t row) const {
    return end_r[static_cast<size_t>(row)] - begin_r[static_cast<size_t>(row)];
  }

  std::vector<int64_t> order_n;         ///< refs by key, then by index
  std::vector<int64_t> begin_r, end_r;  ///< each row's stretch of order_n
};

/// The pairs of two parts that are not plain negatives: positives, and pairs that are neither.
///   positive   same label, and not the row itself; for refs of a memory (other samples of the past) also another sample
///   negative   another group and another sample
/// Cost      O(n log n) on the host, and the pairs that are asked for
class Relatives {
 public:
  /// `ref_is_past`: refs are older embeddings, among them of the very samples in rows.
  Relatives(const Part& rows, const Part& refs, bool ref_is_past);

  /// How many refs are positives of each row; how many are not its negatives; and of those, how many only because they are
  /// the same sample: int64 [r].
  struct Counts {
    at::Tensor positives_r, excluded_r, same_sample_r;
    bool any_same_sample = false;
  };
  const Counts& counts() const { return counts_; }

  /// Stretches of rows, in order, whose positives are a bounded number (one row at the least): [first, rows).
  std::vector<std::pair<int64_t, int64_t>> stretches() const;
  /// By ascending row.
  PairList positives(int64_t row, int64_t rows) const;

  /// The places (row · refs + ref, row-major) of a tile's pairs that are not negatives, appended to `flat_p`.
  void add_excluded(int64_t row, int64_t rows, int64_t ref, int64_t refs, std::vector<int64_t>& flat_p) const;
  /// bool [rows, refs]
  at::Tensor excluded_mask(int64_t row, int64_t rows, int64_t ref, int64_t refs) const;

 private:
  struct HostPairs {
    std::vector<int64_t> row_p, ref_p;
  };
  void add_positives(int64_t row, int64_t offset, HostPairs& pairs) const;
  void add_same_sample(int64_t row, int64_t offset, HostPairs& pairs) const;
  void count();
  PairList on_device(const HostPairs& pairs) const;

  Part rows_, refs_;  ///< without their embeddings
  bool ref_is_past_;
  at::Tensor row_group_r_, ref_group_n_, row_id_r_, ref_id_n_;  ///< on the host
  KeyMatches labels_, groups_, ids_;
  Counts counts_;
  std::vector<int64_t> label_matches_;  ///< running total over rows
};

}  // namespace lodestone
