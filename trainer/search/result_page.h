#pragma once

#include <functional>
#include <string>
#include <vector>

#include "trainer/search/search_hit.h"

namespace lodestone::search {

/// Renders a self-contained page of answers, light and dark, for any width. `image` returns a data: URI for
/// a query (true) or a hit (false) by its id, or "" if there is none: then the page shows the id.
std::string result_page(const std::string& title, const std::vector<SearchAnswer>& answers,
                        const std::function<std::string(const std::string& id, bool query)>& image);

/// An image file as a data: URI, by its first bytes (PNG, JPEG, WebP); "" for other bytes.
std::string image_uri(const std::string& bytes);

}  // namespace lodestone::search
