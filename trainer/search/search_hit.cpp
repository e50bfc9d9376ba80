#include "trainer/search/search_hit.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "trainer/search/picture.h"

namespace lodestone::search {

SearchHit hit_of(int64_t index, double score, const Embeddings& gallery) {
  const EmbeddedRow& row = gallery.rows_N[static_cast<size_t>(index)];
  return {.index = index,
          .id = row.id,
          .label = row.label,
          .text = row.text,
          .thumbnail = row.thumbnail,
          .score = score,
          .distance = eval::distance_of_score(score, gallery.similarity()),
          .same = {}};
}

std::vector<SearchHit> hits_of(std::span<const eval::Neighbour> nearest, const Embeddings& gallery,
                               const std::optional<Calibration>& calibration) {
  std::vector<SearchHit> hits;
  for (const eval::Neighbour& n : nearest) {
    hits.push_back(hit_of(n.index, n.score, gallery));
    if (calibration) hits.back().same = calibration->same(n.score);
  }
  return hits;
}

nlohmann::json to_json(const std::vector<SearchHit>& hits, bool with_thumbnails) {
  nlohmann::json all = nlohmann::json::array();
  for (const SearchHit& hit : hits) {
    all.push_back({{"index", hit.index},
                   {"id", hit.id},
                   {"label", hit.label},
                   {"score", hit.score},
                   {"distance", hit.distance}});
    all.back()["same"] = hit.same ? nlohmann::json(*hit.same) : nlohmann::json();
    if (!hit.text.empty()) all.back()["text"] = hit.text;
    if (!with_thumbnails) continue;
    if (std::string uri = thumbnail_uri(hit.thumbnail); !uri.empty())
      all.back()["thumbnail"] = std::move(uri);
  }
  return all;
}

}  // namespace lodestone::search
