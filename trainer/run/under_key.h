#pragma once

#include <exception>
#include <string>

#include "common/error.h"
#include "sampler/sources/image_source.h"

namespace lodestone::run {

/// Returns the result of `open`. Adds `key`, the configuration key that names the data, to a ConfigError or
/// DataError of `open`.
template <typename Open>
auto under_key(const std::string& key, const Open& open) {
  const std::string sentence = key + ": expected data that can be opened, got an error";
  try {
    return open();
  } catch (const ConfigError&) {
    std::throw_with_nested(ConfigError(sentence));
  } catch (const DataError&) {
    std::throw_with_nested(DataError(sentence));
  }
}

/// The key in `section` ("data.train") that names the files.
inline std::string key_of(const std::string& section, const sampler::ImageSourceConfig& source) {
  return section + (source.mixture.empty() ? ".path" : ".mixture");
}

}  // namespace lodestone::run
