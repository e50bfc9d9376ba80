#pragma once

#include <string>
#include <vector>

#include "trainer/report/report.h"

namespace lodestone {

/// The rows of a nearest-neighbour sheet as an HTML list: each query, then its neighbours, nearest first.
/// Right and wrong show by colour, by sign and by the shape of the frame, and stand in every alt text.
/// Pictures are data: URIs.
std::string draw_picture_sheet(const std::vector<SheetRow>& rows);

/// Of the nearest neighbours of the rows, how many are right, as "31 of 60".
std::string count_right(const std::vector<SheetRow>& rows);

}  // namespace lodestone
