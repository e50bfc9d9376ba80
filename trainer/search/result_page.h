#pragma once

#include <functional>
#include <string>
#include <vector>

#include "trainer/search/search_hit.h"

namespace lodestone::search {

/// The image of a query (true) or of a hit (false) as a data: URI, by its id and its thumbnail; "" if it has
/// none.
using ImageOf = std::function<std::string(const std::string& id, const std::string& thumbnail, bool query)>;

/// Renders a self-contained page of answers, light and dark, for any width: images and texts, or the ids of
/// rows without either. It has at most 5,000 images and texts, and says which part of the answers they are.
std::string result_page(const std::string& title, const std::vector<SearchAnswer>& answers,
                        const ImageOf& image);

}  // namespace lodestone::search
