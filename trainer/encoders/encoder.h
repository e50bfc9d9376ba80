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

namespace lodestone {

/// How batch norm gets its statistics while training.
enum class BatchNormMode {
  kLocal,   ///< from this rank's rows
  kSync,    ///< from the global batch: N ranks equal one rank
  kFrozen,  ///< the running statistics, which then stay as they are
};

/// Adds a tensor up over all ranks. Encoders know no ranks: whoever trains them hands this in.
using SumOverRanks = std::function<at::Tensor(const at::Tensor&)>;

/// What random numbers of a training pass are a function of. They don't depend on how rows are shared out over ranks or cut
/// into micro-batches, so that a row encoded again meets the same numbers.
struct ForwardDraw {
  uint64_t seed = 0;
  int64_t step = 0;
  at::Tensor row_b;  ///< int64, on the CPU: the rows' places in the global batch; undefined: 0, 1, …
};

/// How one forward pass is meant.
struct ForwardMode {
  bool training = false;
  BatchNormMode batch_norm = BatchNormMode::kLocal;
  bool update_statistics =
      true;  ///< false: running statistics stay, as when a batch is encoded a second time
  SumOverRanks
      sum_over_ranks;  ///< needed for kSync in a world above 1; called once in forward and once in backward of each norm
  bool recompute =
      false;  ///< activation checkpointing: blocks keep their input alone and run again in backward
  ForwardDraw draw;

  /// The same for some of the rows: index is int64, on the CPU.
  ForwardMode for_rows(const at::Tensor& index_n) const;
};

/// What an encoder reads.
enum class Modality { kPictures, kTexts, kBoth };

/// Maps a batch of examples to embeddings. Its fields are its architecture; `build` makes the parameters.
/// Adding an encoder: one file here and one line in table.cpp.
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// The fields of the architecture and those that every encoder has: init_from, init_prefix, init_partial, frozen.
  void visit(Fields& f);
  /// Makes the parameters, once, before any forward, and freezes those that `frozen` names. Initial values depend on the seed
  /// and the parameters' names alone. Settings that were left open get the values used. Throws ConfigError.
  void build(const InputShape& input, uint64_t seed);
  /// Loads the files that `init_from` names, here and in nested encoders, and says what of them fitted; after build, before
  /// parameters are converted. Throws as InitialWeights::load.
  virtual std::vector<WeightsReport> load_initial_weights();

  /// Features of b rows to z_bD; b may be 0. Not normalised: the loss and the measures do that. Safe concurrently where mode.training is
  /// false, if concurrent() says so.
  virtual at::Tensor forward(const Features& x, const ForwardMode& mode) = 0;
  virtual int64_t output_dim() const = 0;
  /// Requires build.
  virtual Modality modality() const { return Modality::kPictures; }
  /// What whoever trains it, or only uses it, on this device should know, a sentence each. Requires build.
  virtual std::vector<std::string> remarks(c10::Device /*device*/, bool /*training*/) const { return {}; }
  /// The files of code that build loads, and the SHA-256 of what it loaded: empty before build.
  virtual std::map<std::string, std::string> code() const { return {}; }
  /// Before build, which then refuses other content than of this SHA-256 in the files named. Whether code may be loaded at all is
  /// for whoever calls build to know.
  virtual void pin_code(const std::map<std::string, std::string>& /*hash_of*/) {}
  /// The module that it is made of, if it came as TorchScript.
  virtual const torch::jit::Module* script() const { return nullptr; }
  /// Has it blocks that ForwardMode::recompute applies to?
  virtual bool can_recompute() const { return false; }
  /// Is forward safe concurrently? A model of the user's may keep what it computes.
  virtual bool concurrent() const { return true; }
  /// Layers may keep the parameters also in the order that their kernels compute in. Requires that neither values, type nor place of
  /// the parameters change any more.
  virtual void hold_weights() {}
  /// Requires build.
  Parameters& parameters() { return *parameters_; }

 protected:
  virtual void visit_architecture(Fields& f) = 0;
  virtual void make(const InputShape& input, Parameters& parameters) = 0;
  /// A loaded tensor in the form that the parameter of that name has here (resized position embeddings).
  virtual at::Tensor adapted(const std::string& name, const at::Tensor& value) const;
  const std::string& init_from() const { return initial_.init_from; }

 private:
  InitialWeights initial_;
  std::vector<std::string> frozen_;
  std::unique_ptr<Parameters> parameters_;
};

/// Every encoder there is; those of pictures; those of texts.
std::span<const TableRow<Encoder>> encoder_table();
std::span<const TableRow<Encoder>> picture_encoder_table();
std::span<const TableRow<Encoder>> text_encoder_table();

}  // namespace lodestone
