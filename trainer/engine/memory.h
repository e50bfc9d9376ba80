#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/fields.h"
#include "common/state.h"
#include "trainer/negatives/tiles/row_set.h"

namespace lodestone::engine {

/// Whose rows the memory holds.
enum class MemoryKind {
  kNone,
  kXbm,       ///< the encoder's
  kMomentum,  ///< a momentum encoder's
};

/// Configures the memory of past embeddings, which adds references beyond the batch.
struct MemoryConfig {
  MemoryKind kind = MemoryKind::kNone;
  int64_t size = 4096;
  int64_t start_step = 0;
  double momentum = 0.999;

  void visit(Fields& f);
  bool on() const { return kind != MemoryKind::kNone; }
  bool has_momentum_encoder() const { return kind == MemoryKind::kMomentum; }
};

/// Holds the last `size` rows of past global batches as references: cross-batch memory (XBM, Wang et al.
/// 2020), or, with the rows of a momentum encoder, the queue of MoCo (He et al. 2020). First in, first out,
/// in the order of the global batches.
/// Ranks     each rank holds a contiguous range of the slots; `push` gets the same rows on all ranks. The
///           contents do not depend on the number of ranks.
/// Cost      memory of size/W rows of D numbers
class Memory {
 public:
  Memory(distributed::Group world, c10::Device device, int64_t size, int64_t width, at::ScalarType type);

  /// The rows that this rank holds, ready for the loss.
  negatives::RowSet entries() const;
  /// Adds a global batch, rows in global order; they replace the oldest rows. No communication.
  void push(const negatives::RowSet& rows, int64_t step);

  /// Mean and largest age of the rows of all ranks, in steps; unset if there are none.
  /// Ranks     collective: 2 all-reduces, of 2 numbers and of one
  struct Ages {
    std::optional<double> mean, largest;
  };
  Ages ages(int64_t step) const;

  /// Visits the rows, their labels, groups, ids and steps, and the number of rows ever pushed.
  void visit_state(StateVisitor& v);

 private:
  int64_t filled() const;

  distributed::Group world_;
  int64_t size_, first_, local_;
  int64_t next_ = 0;          ///< rows ever pushed; row i lies in slot i mod size
  at::Tensor u_nD_, key_n4_;  ///< key columns: label, group, id, step
};

}  // namespace lodestone::engine
