#pragma once

#include <span>

#include "trainer/init/finding.h"
#include "trainer/init/table_sample.h"

namespace lodestone::init {

/// A row of the table of shapes: what the columns of a table mean.
struct TableShape {
  const char* name;  ///< for people: "pairs of texts"
  /// Fills in content, columns and guesses; false if the columns are of another shape.
  bool (*fits)(const TableSample& table, Finding& finding);
};

/// All shapes, the first that fits counts: those that columns' names say before those that are guessed.
/// trainer/init/table_shapes.cpp has one row for each.
std::span<const TableShape> table_shapes();

/// What columns a table has, for a message: "text (2,500 texts), n (a number)".
std::string described(const TableSample& table);

}  // namespace lodestone::init
