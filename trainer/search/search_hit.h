#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "trainer/eval/neighbours.h"
#include "trainer/search/calibration.h"
#include "trainer/search/embeddings.h"

namespace lodestone::search {

/// One gallery row in the answer to a query.
struct SearchHit {
  int64_t index = 0;
  std::string id, label;
  std::string text, thumbnail;  ///< as in EmbeddedRow
  double score = 0;
  double distance = 0;
  std::optional<bool> same;  ///< unset if the model has no calibrated threshold

  /// "same", "not the same", or "" if it is not known.
  const char* verdict() const { return !same ? "" : *same ? "same" : "not the same"; }
};

/// One query with its hits.
struct SearchAnswer {
  EmbeddedRow query;            ///< of a text that the user wrote, whole and without an id
  std::vector<SearchHit> hits;  ///< best first
  std::string verdict{};        ///< for people, what the query is: the name of an identity; may be empty
};

/// The hit for one row of `gallery`.
SearchHit hit_of(int64_t index, double score, const Embeddings& gallery);

/// The hits of a query's neighbours in `gallery`, in their order.
std::vector<SearchHit> hits_of(std::span<const eval::Neighbour> nearest, const Embeddings& gallery,
                               const std::optional<Calibration>& calibration);

/// A list of objects with index, id, label, score, distance, same (null if unknown), and text if there
/// is one. `with_thumbnails` adds each valid thumbnail as a data: URI.
nlohmann::json to_json(const std::vector<SearchHit>& hits, bool with_thumbnails = false);

}  // namespace lodestone::search
