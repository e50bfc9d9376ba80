#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/text_format.h"

namespace lodestone {

// Texts of a field whose value is the name of a row of a table; rows have `name` and `doc`.

/// The names, in the order of the table: FieldInfo::choices.
template <typename Row>
std::vector<const char*> names_of(std::span<const Row> table) {
  std::vector<const char*> names;
  for (const Row& row : table) names.push_back(row.name);
  return names;
}

/// What each name means, in one sentence: FieldInfo::doc.
template <typename Row>
std::string docs_of(std::span<const Row> table) {
  std::string docs;
  for (const Row& row : table) docs += (docs.empty() ? "" : "; ") + std::string(row.name) + ": " + row.doc;
  return docs;
}

/// The names of the rows for which `holds`, for a message: "a, b or c".
template <typename Row, typename Holds>
std::string names_that(std::span<const Row> table, const Holds& holds) {
  std::vector<std::string> names;
  for (const Row& row : table)
    if (holds(row)) names.emplace_back(row.name);
  return joined(names, " or ");
}

}  // namespace lodestone
