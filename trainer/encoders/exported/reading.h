#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "trainer/encoders/dropout.h"
#include "trainer/encoders/exported/node.h"
#include "trainer/encoders/exported/operand.h"
#include "trainer/encoders/exported/schema.h"
#include "trainer/encoders/parameters.h"

namespace lodestone::encoders::exported {

/// What is known of a program while its nodes are read.
struct Reading {
  Names names;
  std::map<Slot, at::Tensor> states;        ///< parameters, buffers and constants
  std::map<std::string, TensorNote> notes;  ///< of values, by name
  SymbolicSize batch;                       ///< the number of rows
  DropoutSite next_site = 1;
  std::vector<Parameter> made;  ///< constants that the file lacks
  /// Dropouts and batch norms that were exported in train() and in eval().
  int64_t trained = 0, evaluated = 0;

  /// The element type of a tensor. Throws DataError if the file does not say it.
  at::ScalarType type_of(const std::string& value) const {
    const auto note = notes.find(value);
    if (note == notes.end())
      throw DataError("exported: expected a note about the tensor '" + value +
                      "', got none; save the program again");
    return note->second.type;
  }
  /// How many rows of a node's input belong to a row of the batch; nullopt if its first axis is not the
  /// batch.
  std::optional<int64_t> rows_per_row(const Node& node, const std::string& argument) const;
};

/// An operation, and the slots that it reads and writes.
struct Read {
  std::unique_ptr<Operation> operation;
  std::vector<Slot> reads, results;
};

/// Reads a node. Throws DataError for what a program may not contain: operators outside aten, control flow,
/// shapes that depend on values, random numbers that are not this library's.
Read read_node(const Node& node, Reading& reading);

/// Nodes that this library computes itself in training, or that have no operator: a row each. Null: the
/// dispatcher calls the operator.
using Reader = Read (*)(const Node& node, Reading& reading, std::vector<Slot> results);
Reader own_reader(const std::string& target);

/// A node that LibTorch's dispatcher computes.
Read read_call(const Node& node, Reading& reading, std::vector<Slot> results);

}  // namespace lodestone::encoders::exported
