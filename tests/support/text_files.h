#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sampler/texts/text_source.h"

namespace lodestone::testing {

/// Opens a file of texts of this format, all rows required to be good.
inline sampler::TextSet open_text_file(const std::string& path, sampler::TextFormat format,
                                       std::vector<std::string> columns = {}) {
  sampler::TextSource source;
  source.path = path;
  source.layout.format = format;
  source.layout.columns = std::move(columns);
  return open_texts(source);
}

inline std::vector<std::string> all_texts(const sampler::TextSet& set) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < set.texts->size(); ++i) texts.push_back(set.texts->get(i));
  return texts;
}

}  // namespace lodestone::testing
