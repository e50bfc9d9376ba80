#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sampler/image.h"

namespace lodestone {

/// An emoji as it is drawn and described.
struct EmojiPicture {
  std::u32string code;
  std::string name;      ///< "waving hand: dark skin tone"
  std::string keywords;  ///< "dark skin tone, hand, wave, waving"; empty if others have the same
  std::string family;    ///< of siblings, see emoji_family.h; joined with those that look alike
  Image image;

  /// "1f44b-1f3ff": a WebDataset key.
  std::string key() const;
};

/// The emoji that the locale data names in English and the font draws, in the order of their code points. A picture that
/// equals one before it is left out; families with pictures that are alike (mean difference below 2 %) are joined.
/// Throws    DataError if font or names are missing
std::vector<EmojiPicture> draw_emoji(const std::filesystem::path& font, const std::filesystem::path& cldr,
                                     int size, int limit, int threads, int64_t& repeated);

}  // namespace lodestone
