#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/features.h"
#include "common/fields.h"
#include "trainer/encoders/initial_weights.h"
#include "trainer/encoders/input_shape.h"
#include "trainer/encoders/parameters.h"

// Shapes here: b rows of this rank, n rows of one kind, D width of the embedding.

namespace torch::jit {
struct Module;
}

namespace lodestone::encoders {

/// The source of batch norm's statistics in training.
enum class BatchNormMode {
  kLocal,   ///< from this rank's rows
  kSync,    ///< from the global batch: N ranks equal one rank
  kFrozen,  ///< the running statistics, which then do not change
};

/// Sums a tensor over all ranks. Encoders know no ranks, so the trainer passes this function in.
using SumOverRanks = std::function<at::Tensor(const at::Tensor&)>;

/// The key of the random numbers of a training pass. It does not depend on how rows are divided among ranks
/// or cut into micro-batches, so a row that is encoded again draws the same numbers.
struct ForwardDraw {
  uint64_t seed = 0;
  int64_t step = 0;
  at::Tensor row_b;  ///< int64, on the CPU: the rows' indices in the global batch; undefined: 0, 1, …
};

/// Options of one forward pass.
struct ForwardMode {
  bool training = false;
  BatchNormMode batch_norm = BatchNormMode::kLocal;
  /// false: running statistics do not change, as when a batch is encoded a second time
  bool update_statistics = true;
  /// required for kSync with more than one rank; each norm calls it at most twice in forward, once in
  /// backward
  SumOverRanks sum_over_ranks;
  /// activation checkpointing: blocks keep only their input and run again in backward
  bool recompute = false;
  ForwardDraw draw;

  /// The mode for a subset of the rows; index_n is int64, on the CPU.
  ForwardMode for_rows(const at::Tensor& index_n) const;
};

/// The kind of examples that an encoder reads.
enum class Modality { kImages, kTexts, kBoth };

/// Maps a batch of examples to embeddings. Its fields are its architecture; `build` makes the parameters. To
/// add an encoder, write one file here and one row in table.cpp.
///
///     Slot<Encoder> encoder(encoder_table(), "resnet18");
///     encoder->build({3, 32, 32}, 7);                     // RGB images of 32 × 32 pixels, seed 7
///     Features x;
///     x.pixels_nCHW = at::rand({8, 3, 32, 32});
///     const at::Tensor z_bD = encoder->forward(x, {});    // [8, encoder->output_dim()], not normalised
///
/// Shapes    Features of b rows, which may be 0; returns [b, output_dim()]
/// Ranks     knows none; synchronous batch norm sums through ForwardMode::sum_over_ranks
/// Gradient  flows to the learned parameters and to floating-point input
/// Cost      activations of all layers until backward; with ForwardMode::recompute the blocks' inputs alone,
///           for a second forward pass
/// Throws    ConfigError from build if the settings do not fit the input; DataError from
///           load_initial_weights
/// Threads   forward is safe concurrently if mode.training is false and concurrent() is true; otherwise one
///           caller
/// Owns      its parameters and running statistics
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Visits the fields of the architecture and those of every encoder: init_from, init_prefix, init_partial,
  /// frozen.
  void visit(Fields& f);
  /// Makes the parameters and freezes those that `frozen` names. Call it once, before any forward. Initial
  /// values depend only on the seed and the parameters' names. Optional settings that are unset get the
  /// values used. Throws ConfigError.
  void build(const InputShape& input, uint64_t seed);
  /// Loads the files that `init_from` names, here and in nested encoders, and reports which tensors fitted.
  /// Requires build; call it before parameters are converted. Throws what InitialWeights::load throws.
  virtual std::vector<WeightsReport> load_initial_weights();

  /// Encodes b rows to z_bD; b may be 0. The result is not normalised: the loss and the metrics do that.
  virtual at::Tensor forward(const Features& x, const ForwardMode& mode) = 0;
  virtual int64_t output_dim() const = 0;
  /// Requires build.
  virtual Modality modality() const { return Modality::kImages; }
  /// Sentences that a user of the encoder on this device should read, for training or for inference. Requires
  /// build.
  virtual std::vector<std::string> remarks(c10::Device /*device*/, bool /*training*/) const { return {}; }
  /// The files of code that build has loaded, with the SHA-256 of their content; empty before build.
  virtual std::map<std::string, std::string> code() const { return {}; }
  /// The files of exported programs, likewise: operators and weights, which are no code.
  virtual std::map<std::string, std::string> programs() const { return {}; }
  /// Files of code and of programs.
  std::map<std::string, std::string> files() const {
    auto all = code();
    all.merge(programs());
    return all;
  }
  /// Makes build reject files of other content than these SHA-256. Call it before build. The caller of build
  /// decides whether code may be loaded at all.
  virtual void pin_files(const std::map<std::string, std::string>& /*hash_of*/) {}
  /// The underlying module of a TorchScript encoder; null for others.
  virtual const torch::jit::Module* script() const { return nullptr; }
  /// Does it have blocks that ForwardMode::recompute applies to?
  virtual bool can_recompute() const { return false; }
  /// Is forward safe concurrently? A user's model may store intermediate results.
  virtual bool concurrent() const { return true; }
  /// Allows layers to keep a second copy of the parameters, in the order that their kernels compute in.
  /// Requires that values, type and device of the parameters do not change any more.
  virtual void hold_weights() {}
  /// Requires build.
  Parameters& parameters() { return *parameters_; }

 protected:
  virtual void visit_architecture(Fields& f) = 0;
  virtual void make(const InputShape& input, Parameters& parameters) = 0;
  /// Converts a loaded tensor to the form of the parameter of that name (resized position embeddings).
  virtual at::Tensor adapted(const std::string& name, const at::Tensor& value) const;
  const std::string& init_from() const { return initial_.init_from; }

 private:
  InitialWeights initial_;
  std::vector<std::string> frozen_;
  std::unique_ptr<Parameters> parameters_;
};

}  // namespace lodestone::encoders

namespace lodestone {

/// A row of the table of encoders. It also has what the encoder can read as a tower of two_tower.
template <>
struct TableRow<encoders::Encoder> {
  const char* name;
  const char* doc;
  std::function<std::unique_ptr<encoders::Encoder>()> make;
  bool images = false;
  bool texts = false;
};

}  // namespace lodestone

namespace lodestone::encoders {

/// The encoders of this folder.
std::span<const TableRow<Encoder>> encoder_table();
/// The same, and `added` behind them. The towers of two_tower are chosen from both.
std::vector<TableRow<Encoder>> encoder_table_with(std::span<const TableRow<Encoder>> added);

}  // namespace lodestone::encoders
