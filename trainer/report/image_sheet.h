#pragma once

#include <string>
#include <vector>

#include "trainer/report/report.h"

namespace lodestone::report {

/// The content of a tile: the image, or its label as text if there is none.
std::string draw_sheet_image(const SheetImage& image, const std::string& alt);

/// Draws the rows of a nearest-neighbour sheet as an HTML list: each query, then its neighbours, nearest
/// first. Colour, sign and the shape of the frame show right and wrong, and every alt text says it; what is
/// not right beyond the neighbours that can be has no mark. Images are data: URIs.
std::string draw_image_sheet(const std::vector<SheetRow>& rows);

/// How many of the neighbours that could be right are, as "31 of 60": of each row the first `relevant` count.
std::string count_right(const std::vector<SheetRow>& rows);

}  // namespace lodestone::report
