#pragma once

#include <string>
#include <vector>

#include "trainer/eval/projection.h"

namespace lodestone::report {

/// Draws the rows as inline SVG: a colour and a shape for each named class, grey dots for the rest; then the
/// legend as a list. `names` are those of projection.classes. Empty for fewer than two rows. All text is
/// escaped.
std::string draw_scatter(const eval::Projection& projection, const std::vector<std::string>& names);

}  // namespace lodestone::report
