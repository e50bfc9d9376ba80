#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/fields.h"
#include "common/state.h"
#include "trainer/negatives/tiles/row_set.h"

namespace lodestone {

/// Refs beyond the batch: embeddings of past batches.
struct MemoryConfig {
  std::string kind = "none";
  int64_t size = 4096;
  int64_t start_step = 0;
  double momentum = 0.999;

  void visit(Fields& f);
  bool on() const { return kind != "none"; }
  bool has_momentum_encoder() const { return kind == "momentum"; }
};

/// The last `size` rows of past global batches as refs: cross-batch memory (XBM, Wang et al. 2020), or with rows from a momentum
/// encoder the queue of MoCo (He et al. 2020). First in, first out, in the order of the global batches.
/// Ranks     the slots are cut into one stretch per rank, each held by its rank alone; `push` gets the same rows on all ranks.
///           Contents don't depend on the number of ranks.
/// Memory    size/W rows of D numbers
class Memory {
 public:
  Memory(Group world, c10::Device device, int64_t size, int64_t width, at::ScalarType type);

  /// This rank's entries, ready for the loss.
  RowSet entries() const;
  /// Enters a global batch, rows in global order; later rows push out the oldest. No communication.
  void push(const RowSet& rows, int64_t step);

  /// Mean and largest age of all entries in steps; unset when empty. Collective: one all-reduce.
  struct Ages {
    std::optional<double> mean, largest;
  };
  Ages ages(int64_t step) const;

  /// Rows, their keys and how many were ever pushed.
  void visit_state(StateVisitor& v);

 private:
  int64_t filled() const;

  Group world_;
  int64_t size_, first_, local_;
  int64_t next_ = 0;          ///< rows ever pushed; row i lies in slot i mod size
  at::Tensor u_nD_, key_n4_;  ///< keys: label, group, id, step
};

}  // namespace lodestone
