#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/encoders/exported/export_file.h"
#include "trainer/encoders/exported/operation.h"
#include "trainer/encoders/exported/schema.h"
#include "trainer/encoders/exported/segments.h"
#include "trainer/encoders/parameters.h"

namespace lodestone::encoders::exported {

/// An input of the program that a caller gives.
struct ProgramInput {
  std::string name;  ///< as the model's forward names it
  Slot slot = kNoSlot;
  TensorNote note;
};

/// A program that torch.export.save wrote, read once into a flat list of operations: a forward pass looks
/// nothing up and parses nothing. A value is freed after its last use.
///
///     Program program(ExportFile("encoder.pt2", read_file("encoder.pt2")), "model");
///     ForwardMode mode;                                  // evaluation
///     const auto results = program.run({pixels_nCHW}, mode);
///
/// Gradient  through autograd to the parameters and to floating-point input
/// Threads   run is safe concurrently if mode.training is false
/// Owns      its parameters, buffers and constants; the handles that parameters() returns share them
class Program {
 public:
  /// Throws DataError naming the file, the node and the remedy, for what cannot be trained here: operators
  /// outside aten, control flow, shapes that depend on values, a version of the format that is not known.
  /// Requires  a `name` of ExportFile::program
  Program(const ExportFile& file, const std::string& name);

  /// The results for these inputs, in the order of inputs(). Throws ConfigError naming the node that failed.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs, const ForwardMode& mode) const;

  const std::vector<ProgramInput>& inputs() const { return inputs_; }
  size_t outputs() const { return outputs_.size(); }
  /// Floating-point parameters, buffers and constants, each tensor once, under the name it has in the model.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Was the model in eval() when it was exported? Dropouts and stochastic depth may be lost then.
  bool exported_in_eval() const { return exported_in_eval_; }
  bool has_batch_norms() const;
  /// Has the model repeated blocks, which ForwardMode::recompute computes again?
  bool has_blocks() const { return !segments_.empty(); }

 private:
  struct Instruction {
    std::unique_ptr<Operation> operation;
    std::vector<Slot> last_reads;  // freed afterwards
    std::string target, module;
  };
  struct Mutation {
    Slot value, state;
  };
  class Reader;

  void forget_unread(const std::vector<Step>& steps);
  Frame frame(const ForwardMode& mode, c10::Device device) const;
  void run_instructions(Frame& frame, size_t begin, size_t end) const;
  void run_again_later(Frame& frame, const Segment& segment) const;
  void write_mutations(const Frame& frame) const;

  std::string file_;
  std::vector<Instruction> instructions_;
  std::vector<ProgramInput> inputs_;
  std::vector<Slot> outputs_;
  std::vector<Mutation> mutations_;
  std::vector<Segment> segments_;
  std::map<Slot, at::Tensor> states_;
  std::vector<Parameter> parameters_;
  size_t slots_ = 0;
  bool exported_in_eval_ = false;
};

}  // namespace lodestone::encoders::exported
