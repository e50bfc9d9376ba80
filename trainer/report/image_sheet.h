#pragma once

#include <string>
#include <vector>

#include "trainer/report/report.h"

namespace lodestone::report {

/// Draws the rows of a nearest-neighbour sheet as an HTML list: each query, then its neighbours, nearest
/// first. Colour, sign and the shape of the frame show right and wrong, and every alt text says it. Images
/// are data: URIs.
std::string draw_image_sheet(const std::vector<SheetRow>& rows);

/// How many of the rows' nearest neighbours are right, as "31 of 60".
std::string count_right(const std::vector<SheetRow>& rows);

}  // namespace lodestone::report
