#pragma once

#include <string>

#include "common/fields.h"

namespace lodestone::sampler {

/// Where the indexes of shards are cached.
struct IndexCache {
  enum class Place {
    kBesideShard,  ///< else in the user's cache folder
    kNone,         ///< nowhere
    kFolder,       ///< in `folder`
  };
  static constexpr Choice<Place> kPlaces[] = {{"auto", Place::kBesideShard}, {"none", Place::kNone}};

  Place place = Place::kBesideShard;
  std::string folder = {};

  /// What the setting index_cache means: "auto", "none" or a folder.
  static IndexCache named(const std::string& setting) {
    if (const auto place = choice_named(setting, kPlaces)) return {*place, {}};
    return {Place::kFolder, setting};
  }
  std::string setting() const { return place == Place::kFolder ? folder : choice_name(place, kPlaces); }

  bool operator==(const IndexCache&) const = default;
};

}  // namespace lodestone::sampler
