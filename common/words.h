#pragma once

#include <string_view>

namespace lodestone {

/// Whether `word` is one of `words`, which have blanks between them.
bool is_one_of(std::string_view words, std::string_view word);

}  // namespace lodestone
