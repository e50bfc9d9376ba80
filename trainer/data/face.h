#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sampler/image.h"

namespace lodestone::data {

/// The size of a drawn letter: by the em, so that the letters of a typeface keep their relative sizes, or as
/// large as the frame allows.
enum class Scale { kEm, kInkBox };

/// One outline font file, opened with FreeType. Glyphs are drawn without hinting, centred by their ink box to
/// 1/64 pixel, with the em as large as the image. Ink that would leave the frame (the image less 1/20 on each
/// side) is shrunk to fit it.
/// Threads   one caller at a time; every object has a FreeType of its own
class Face {
 public:
  /// Opens a font file. Unset if FreeType cannot read it, or if it has no outlines or no Unicode character
  /// map.
  static std::optional<Face> open(const std::filesystem::path& path);

  Face(Face&&) noexcept;
  Face& operator=(Face&&) noexcept;
  ~Face();

  /// The typographic family and style names; version as in the `head` table, such as "2.037".
  const std::string& family() const;
  const std::string& style() const;
  std::string version() const;

  /// The code points with a glyph in the character map, ascending.
  std::vector<char32_t> codes() const;

  /// Draws the letter as size × size grey pixels, ink 255 on 0. Unset if the font has no glyph for it, an
  /// empty one, or one that is drawn like .notdef.
  std::optional<sampler::Image> draw(char32_t code, int size, Scale scale = Scale::kEm) const;

 private:
  struct Impl;
  explicit Face(std::unique_ptr<Impl> state);
  std::unique_ptr<Impl> impl_;
};

/// FreeType's version, as "2.12.1".
std::string freetype_version();

}  // namespace lodestone::data
