#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/fields.h"

namespace lodestone {

/// The columns of a text file.
/// texts     one or more texts without a class
/// labels    a text and its class
/// pairs     two texts that belong together; with a third column, they do (1), do not (0), or have a degree
///           of similarity
/// triplets  anchor, positive, negative
/// queries   query, positive, and any number of negatives
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
