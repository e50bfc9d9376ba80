#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "trainer/encoders/exported/operation.h"

namespace lodestone::encoders::exported {

/// One instruction as the division into segments sees it.
struct Step {
  std::string module;  ///< "encoder.layer.3.attention"
  std::vector<Slot> reads, results;
};

/// Instructions [begin, end) of one block of the model, which can be computed again in the backward pass.
struct Segment {
  size_t begin = 0, end = 0;
  std::vector<Slot> inputs;   ///< read here, and not computed here
  std::vector<Slot> outputs;  ///< computed here, and read later or returned
};

/// Divides a program by the repeated blocks of its model: the children of the list of modules
/// ("encoder.layer") that has most of the instructions; a list inside a child that has most of the child's
/// divides it further. Instructions outside belong to no segment. `returned` are read after the program.
/// Cost      linear in the instructions times the depth of their modules
std::vector<Segment> segments_of(const std::vector<Step>& steps, const std::vector<Slot>& returned);

}  // namespace lodestone::encoders::exported
