#pragma once

#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/negatives/tiles/row_set.h"

// Shapes: p pairs of a row and a reference, r × c a tile of them.

namespace lodestone::negatives {

/// A range of rows of a set: one side of a block of pairs.
struct Part {
  const RowSet* set = nullptr;
  int64_t first = 0, size = 0;
  at::Tensor u_nD;          ///< the rows
  at::Tensor half_nD = {};  ///< the same in bfloat16, if products use it

  /// The form of the rows that products use.
  const at::Tensor& factors() const { return half_nD.defined() ? half_nD : u_nD; }
  at::Tensor labels() const { return set->label_n.narrow(0, first, size); }
  at::Tensor groups() const { return set->group_n.narrow(0, first, size); }
  at::Tensor ids() const { return set->id_n.narrow(0, first, size); }
};

/// Pairs as offsets into two parts.
struct PairList {
  at::Tensor row_p, reference_p;  ///< int64

  int64_t size() const { return row_p.size(0); }
  PairList narrow(int64_t begin, int64_t count) const {
    return {row_p.narrow(0, begin, count), reference_p.narrow(0, begin, count)};
  }
};

/// The references that share a key with each row: found by sorting, never by comparing all pairs. On the
/// host.
struct KeyMatches {
  KeyMatches() = default;
  KeyMatches(const at::Tensor& key_r, const at::Tensor& key_n);
  int64_t count(int64_t row) const {
    return end_r[static_cast<size_t>(row)] - begin_r[static_cast<size_t>(row)];
  }

  std::vector<int64_t> order_n;         ///< references by key, then by index
  std::vector<int64_t> begin_r, end_r;  ///< each row's range of order_n
};

/// The pairs of two parts that are not negatives: positives, and pairs that are neither.
///   positive   same label, and not the row itself; for references of a memory (past samples) also another
///              sample
///   negative   another group and another sample
/// Cost      O(n log n) on the host, and the pairs that are asked for
class PairMasks {
 public:
  /// `reference_is_past`: references are older embeddings, possibly of the same samples as the rows.
  PairMasks(const Part& rows, const Part& references, bool reference_is_past);

  /// Per row, int64 [r]: the number of references that are positives, of those that are not negatives, and of
  /// those among the latter that are excluded only because they are the same sample.
  struct Counts {
    at::Tensor positives_r, excluded_r, same_sample_r;
    bool any_same_sample = false;
  };
  const Counts& counts() const { return counts_; }

  /// Ranges [first, rows) of rows, in order, each with a bounded number of positives but at least one row.
  std::vector<std::pair<int64_t, int64_t>> row_ranges() const;
  /// The positives of these rows, by ascending row.
  PairList positives(int64_t row, int64_t rows) const;

  /// Appends to `flat_p` the indices (row · references + reference, row-major) of a tile's pairs that are not
  /// negatives.
  void add_excluded(int64_t row, int64_t rows, int64_t reference, int64_t references,
                    std::vector<int64_t>& flat_p) const;
  /// bool [rows, references]
  at::Tensor excluded_mask(int64_t row, int64_t rows, int64_t reference, int64_t references) const;

 private:
  struct HostPairs {
    std::vector<int64_t> row_p, reference_p;
  };
  void add_positives(int64_t row, int64_t offset, HostPairs& pairs) const;
  void add_same_sample(int64_t row, int64_t offset, HostPairs& pairs) const;
  void count();
  PairList on_device(const HostPairs& pairs) const;

  Part rows_, references_;  ///< copies without embeddings
  bool reference_is_past_;
  at::Tensor row_group_r_, reference_group_n_, row_id_r_, reference_id_n_;  ///< copies on the host
  KeyMatches labels_, groups_, ids_;
  Counts counts_;
  std::vector<int64_t> label_matches_;  ///< cumulative sum over rows
};

}  // namespace lodestone::negatives
