#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/fields.h"

namespace lodestone {

/// What the columns of a text file are.
/// texts      a text, or several, of no known class
/// labels     a text and its class
/// pairs      two texts that belong together; with a third column they do (1) or do not (0), or are alike to a degree
/// triplets   anchor, positive, negative
/// queries    query, positive, and any number of negatives
struct TextLayout {
  std::string format = "labels";
  std::vector<std::string> columns;
  std::string header = "auto";
  std::optional<int64_t> negatives;
  std::optional<double> same_from;
  bool multiline = false;

  void visit(Fields& f);
};

}  // namespace lodestone
