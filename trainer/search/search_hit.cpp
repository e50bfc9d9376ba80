#include "trainer/search/search_hit.h"

#include <nlohmann/json.hpp>

namespace lodestone::search {

std::vector<SearchHit> hits_of(std::span<const eval::Neighbour> nearest, const Embeddings& gallery,
                               const std::optional<Calibration>& calibration) {
  std::vector<SearchHit> hits;
  for (const eval::Neighbour& n : nearest) {
    const EmbeddedRow& row = gallery.rows_N[static_cast<size_t>(n.index)];
    hits.push_back(
        {n.index, row.id, row.label, n.score, eval::distance_of_score(n.score, gallery.similarity()), {}});
    if (calibration) hits.back().same = calibration->same(n.score);
  }
  return hits;
}

nlohmann::json to_json(const std::vector<SearchHit>& hits) {
  nlohmann::json all = nlohmann::json::array();
  for (const SearchHit& hit : hits) {
    all.push_back({{"index", hit.index},
                   {"id", hit.id},
                   {"label", hit.label},
                   {"score", hit.score},
                   {"distance", hit.distance}});
    all.back()["same"] = hit.same ? nlohmann::json(*hit.same) : nlohmann::json();
  }
  return all;
}

}  // namespace lodestone::search
