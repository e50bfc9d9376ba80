#include "trainer/data/emoji_face.h"

#include <algorithm>
#include <cmath>

#include <ft2build.h>
#include FT_FREETYPE_H
#include <hb-ft.h>
#include <hb.h>

#include "common/error.h"
#include "common/paths.h"
#include "sampler/augment/planes.h"

namespace lodestone::data {

struct EmojiFace::Impl {
  FT_Library library = nullptr;
  FT_Face face = nullptr;
  hb_font_t* shaper = nullptr;

  ~Impl() {
    if (shaper) hb_font_destroy(shaper);
    if (face) FT_Done_Face(face);
    if (library) FT_Done_FreeType(library);
  }

  // The single glyph of the whole sequence; 0, which is .notdef, if there is none.
  FT_UInt glyph_of(const std::string& emoji) const {
    const std::unique_ptr<hb_buffer_t, decltype(&hb_buffer_destroy)> buffer(hb_buffer_create(),
                                                                            &hb_buffer_destroy);
    hb_buffer_add_utf8(buffer.get(), emoji.c_str(), static_cast<int>(emoji.size()), 0, -1);
    hb_buffer_guess_segment_properties(buffer.get());
    hb_shape(shaper, buffer.get(), nullptr, 0);
    unsigned count = 0;
    const hb_glyph_info_t* glyphs = hb_buffer_get_glyph_infos(buffer.get(), &count);
    return count == 1 ? glyphs[0].codepoint : 0;
  }
};

EmojiFace::EmojiFace(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  const auto fail = [&](const std::string& got) {
    throw DataError("emoji: expected a font of colour bitmaps " + path.string() + ", " + got +
                    "; install it: sudo apt-get install --no-install-recommends fonts-noto-color-emoji");
  };
  if (!is_file(path)) fail("which is no file");
  if (FT_Init_FreeType(&impl_->library) != 0) throw DataError("emoji: FreeType cannot be initialised");
  if (FT_New_Face(impl_->library, path.c_str(), 0, &impl_->face) != 0)
    fail("got a file that FreeType cannot read");
  FT_Face face = impl_->face;
  if (!FT_HAS_COLOR(face) || face->num_fixed_sizes < 1 || FT_Select_Size(face, 0) != 0)
    fail("got a font without them");
  impl_->shaper = hb_ft_font_create_referenced(face);
}

EmojiFace::EmojiFace(EmojiFace&&) noexcept = default;
EmojiFace::~EmojiFace() = default;

std::optional<sampler::Image> EmojiFace::draw(const std::string& emoji, int size) const {
  const FT_UInt index = impl_->glyph_of(emoji);
  FT_Face face = impl_->face;
  if (index == 0 || FT_Load_Glyph(face, index, FT_LOAD_COLOR) != 0) return std::nullopt;
  const FT_Bitmap& bitmap = face->glyph->bitmap;
  if (bitmap.pixel_mode != FT_PIXEL_MODE_BGRA || bitmap.width == 0 || bitmap.rows == 0) return std::nullopt;

  const int width = static_cast<int>(bitmap.width), height = static_cast<int>(bitmap.rows);
  const int side = std::max(width, height);
  sampler::Image square(side, side, 3, 255);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const uint8_t* bgra = bitmap.buffer + y * bitmap.pitch + 4 * x;  // colours are premultiplied
      for (int c = 0; c < 3; ++c)
        square.at(x + (side - width) / 2, y + (side - height) / 2, c) =
            static_cast<uint8_t>(std::min(255, bgra[2 - c] + 255 - bgra[3]));
    }
  const sampler::Planes small = sampler::resized(square, size, size);
  sampler::Image image(size, size, 3);
  for (int c = 0; c < 3; ++c)
    for (size_t i = 0; i < small.plane_size(); ++i)
      image.pixels[3 * i + static_cast<size_t>(c)] = static_cast<uint8_t>(std::lround(
          255 * std::clamp(small.values[static_cast<size_t>(c) * small.plane_size() + i], 0.F, 1.F)));
  return image;
}

}  // namespace lodestone::data
