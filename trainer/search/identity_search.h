#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/eval/neighbours.h"
#include "trainer/eval/rows.h"
#include "trainer/search/embeddings.h"
#include "trainer/search/gallery.h"

namespace lodestone::search {

/// A gallery prepared for many queries.
/// Requires  the gallery outlives the object and is not changed
/// Memory    its rows once more
/// Threads   const methods are safe concurrently
class IdentitySearch {
 public:
  explicit IdentitySearch(const Embeddings& gallery);

  const eval::ComparableRows& rows() const { return rows_; }
  /// Ordered by name; score is 0.
  const std::vector<Identity>& identities() const { return identities_; }
  /// See identify() in gallery.h.
  /// Cost      2·Q·N·D flops, exact; more passes where a few identities have most of the nearest rows
  std::vector<std::vector<Identity>> identify(const at::Tensor& q_QD, int64_t k) const;

 private:
  std::vector<Identity> best_of(std::span<const eval::Neighbour> nearest) const;

  const Embeddings& gallery_;
  const eval::ComparableRows rows_;
  std::vector<Identity> identities_;
  std::vector<int64_t> identity_N_;    ///< index into identities_ of each row
  const std::vector<int64_t> zero_N_;  ///< every row is of one group, which no query has
  int64_t largest_ = 0;                ///< photographs of the largest identity
};

}  // namespace lodestone::search
