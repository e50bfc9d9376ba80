#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sampler/texts/text_layout.h"

namespace lodestone::sampler {

/// One column of a format: the names it may have.
struct Role {
  std::vector<const char*> names;
  bool needed = true;
};

const std::vector<Role>& roles_of(TextFormat format);

/// Whether more columns may follow those with roles.
bool is_open(TextFormat format);

/// The smallest number of columns in a record of a format.
size_t least_columns(TextFormat format);

/// Whether a column with this name means something to some format or list, so that a reader of this format
/// that ignores it would change the data set. For texts without classes only the text counts.
bool has_role(TextFormat format, const std::string& name);

}  // namespace lodestone::sampler
