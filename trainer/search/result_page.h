#pragma once

#include <functional>
#include <string>
#include <vector>

#include "trainer/search/search_hit.h"

namespace lodestone {

/// A self-contained page of answers, light and dark, for any width. `picture` gives a data: URI for a query (true) or a hit
/// (false) by its id, or "" where there is none: then the id stands in its place.
std::string result_page(const std::string& title, const std::vector<SearchAnswer>& answers,
                        const std::function<std::string(const std::string& id, bool query)>& picture);

/// A picture file as a data: URI by its first bytes (PNG, JPEG, WebP); "" for any other bytes.
std::string picture_uri(const std::string& bytes);

}  // namespace lodestone
