#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/ivalue.h>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders::exported {

/// The number of a value of a program: an input, a parameter, or a result of an instruction.
using Slot = int32_t;
constexpr Slot kNoSlot = -1;  ///< a result that nothing reads

/// The values of one forward pass, and how it runs.
struct Frame {
  const ForwardMode& mode;
  c10::Device device;         ///< replaces the device that the program was exported on
  at::ScalarType float_type;  ///< replaces float32 where the program converts: double if it is verified
  std::vector<c10::IValue> values;

  bool updates_statistics() const { return mode.training && mode.update_statistics; }
  c10::IValue& operator[](Slot slot) { return values[static_cast<size_t>(slot)]; }
  const c10::IValue& operator[](Slot slot) const { return values[static_cast<size_t>(slot)]; }
  const at::Tensor& tensor(Slot slot) const { return (*this)[slot].toTensor(); }
};

/// What an instruction does: reads values of the frame and writes its results there.
/// Gradient  through autograd, as that of the operators it calls
/// Threads   run is safe concurrently on frames of their own
class Operation {
 public:
  virtual ~Operation() = default;
  virtual void run(Frame& frame) const = 0;
};

}  // namespace lodestone::encoders::exported
