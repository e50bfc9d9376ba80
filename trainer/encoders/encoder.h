#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/features.h"
#include "common/fields.h"
#include "trainer/encoders/input_shape.h"
#include "trainer/encoders/parameters.h"

// Shapes here: b rows of this rank, D width of the embedding.

namespace lodestone {

/// How batch norm gets its statistics while training.
enum class BatchNormMode {
  kLocal,   ///< from this rank's rows
  kSync,    ///< from the global batch: N ranks equal one rank
  kFrozen,  ///< the running statistics, which then stay as they are
};

/// Adds a tensor up over all ranks. Encoders know no ranks: whoever trains them hands this in.
using SumOverRanks = std::function<at::Tensor(const at::Tensor&)>;

/// How one forward pass is meant.
struct ForwardMode {
  bool training = false;
  BatchNormMode batch_norm = BatchNormMode::kLocal;
  bool update_statistics = true;  ///< false: running statistics stay, as when a batch is encoded a second time
  SumOverRanks sum_over_ranks;  ///< needed for kSync in a world above 1; called once in forward and once in backward of each norm
};

/// Maps a batch of examples to embeddings. Its fields are its architecture; `build` makes the parameters.
/// Adding an encoder: one file here and one line in table.cpp.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual void visit(Fields& f) = 0;
  /// Makes the parameters, once, before any forward. Initial values depend on the seed and the parameters' names alone.
  /// Throws ConfigError if the encoder does not take such input.
  virtual void build(const InputShape& input, uint64_t seed) = 0;
  /// b rows to z_bD; b may be 0. Not normalised: the loss and the measures do that.
  virtual at::Tensor forward(const Features& x, const ForwardMode& mode) = 0;
  virtual int64_t output_dim() const = 0;
  /// Requires build.
  Parameters& parameters() { return *parameters_; }

 protected:
  std::unique_ptr<Parameters> parameters_;
};

/// Every encoder there is.
std::span<const TableRow<Encoder>> encoder_table();

}  // namespace lodestone
