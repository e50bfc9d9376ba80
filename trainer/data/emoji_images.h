#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sampler/image.h"

namespace lodestone::data {

/// An emoji with its image and its description.
struct EmojiImage {
  std::u32string code;
  std::string name;      ///< "waving hand: dark skin tone"
  std::string keywords;  ///< empty if other emoji have the same
  std::string family;    ///< family of siblings (emoji_family.h), merged with those that look alike
  sampler::Image image;

  /// "1f44b-1f3ff": a WebDataset key.
  std::string key() const;
};

/// Draws the emoji that the locale data names in English and the font contains, ordered by code points. An
/// image that equals an earlier one is left out and counted in `repeated`; families with images that look
/// alike (mean difference below 2 %) are merged.
/// Throws    DataError if font or names are missing
std::vector<EmojiImage> draw_emoji(const std::filesystem::path& font, const std::filesystem::path& cldr,
                                   int size, int limit, int threads, int64_t& repeated);

}  // namespace lodestone::data
