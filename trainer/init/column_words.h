#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lodestone::init {

/// Usual names of columns, by what they hold; the first that a table has counts.
struct ColumnWords {
  std::vector<const char*> text, label, first, second, negative, score, image, caption, split;
};

const ColumnWords& column_words();

/// Whether a cell is one of these names, without regard to case.
bool is_column_word(std::string_view cell);

}  // namespace lodestone::init
