#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sampler/image.h"

namespace lodestone::data {

/// A font of colour bitmaps (CBDT), opened with FreeType; HarfBuzz maps sequences to glyphs.
/// Threads   one caller at a time; every object has a FreeType of its own
class EmojiFace {
 public:
  /// Throws DataError if the file is missing (naming the package) or holds no colour bitmaps.
  explicit EmojiFace(const std::filesystem::path& path);
  EmojiFace(EmojiFace&&) noexcept;
  ~EmojiFace();

  /// Draws an emoji (UTF-8, one or more code points) on white, size × size × 3. Unset if the font does not
  /// draw it as one glyph.
  std::optional<sampler::Image> draw(const std::string& emoji, int size) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone::data
