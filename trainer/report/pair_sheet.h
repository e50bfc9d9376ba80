#pragma once

#include <string>

#include "trainer/report/report.h"

namespace lodestone::report {

/// Draws the worst pairs as a section: false accepts and false rejects at the threshold, or, for graded
/// pairs, those whose score disagrees most with their grade. Empty without any.
std::string draw_pair_sheet(const PairView& pairs);

}  // namespace lodestone::report
