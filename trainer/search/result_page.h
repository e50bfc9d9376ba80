#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lodestone {

/// One row of a gallery as an answer to a query.
struct SearchHit {
  int64_t index = 0;
  std::string id, label;
  double score = 0;
  double distance = 0;
  std::optional<bool> same;  ///< unset where the model has no calibrated threshold
};

struct SearchAnswer {
  std::string query;
  std::vector<SearchHit> hits;  ///< best first
};

/// A self-contained page of answers, light and dark, for any width. `picture` gives a data: URI for a query (true) or a hit
/// (false) by its id, or "" where there is none: then the id stands in its place.
std::string result_page(const std::string& title, const std::vector<SearchAnswer>& answers,
                        const std::function<std::string(const std::string& id, bool query)>& picture);

/// A picture file as a data: URI by its first bytes (PNG, JPEG, WebP); "" for any other bytes.
std::string picture_uri(const std::string& bytes);

}  // namespace lodestone
