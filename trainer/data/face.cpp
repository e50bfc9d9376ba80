#include "trainer/data/face.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_BBOX_H
#include FT_OUTLINE_H
#include FT_TRUETYPE_TABLES_H

#include "common/paths.h"

namespace lodestone::data {

namespace {

// Outlines are loaded at this number of pixels per em and scaled from there: fine enough that rounding is
// invisible.
constexpr int kLoadSize = 256;

}  // namespace

struct Face::Impl {
  FT_Library library = nullptr;
  FT_Face face = nullptr;
  std::string family;
  std::string style;

  ~Impl() {
    if (face) FT_Done_Face(face);
    if (library) FT_Done_FreeType(library);
  }

  std::optional<sampler::Image> draw_glyph(FT_UInt index, int size, Scale scale) const;

  // The image of a missing letter; kept, since every letter is compared with it.
  const std::vector<uint8_t>& notdef_at(int size, Scale scale) {
    if (size != notdef_size || scale != notdef_scale) {
      const auto glyph = draw_glyph(0, size, scale);
      notdef = glyph ? glyph->pixels : std::vector<uint8_t>();
      notdef_size = size;
      notdef_scale = scale;
    }
    return notdef;
  }

  std::vector<uint8_t> notdef;
  int notdef_size = 0;
  Scale notdef_scale = Scale::kEm;
};

std::optional<sampler::Image> Face::Impl::draw_glyph(FT_UInt index, int size, Scale scale) const {
  if (FT_Load_Glyph(face, index, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP) != 0) return std::nullopt;
  if (face->glyph->format != FT_GLYPH_FORMAT_OUTLINE) return std::nullopt;
  FT_Outline& outline = face->glyph->outline;
  FT_BBox box{};
  if (outline.n_points == 0 || FT_Outline_Get_BBox(&outline, &box) != 0) return std::nullopt;
  const double extent = static_cast<double>(std::max(box.xMax - box.xMin, box.yMax - box.yMin));
  if (extent < 1) return std::nullopt;

  const double frame = 64.0 * size * 0.9;
  const double by_em = static_cast<double>(size) / kLoadSize;
  const double factor = scale == Scale::kEm ? std::min(by_em, frame / extent) : frame / extent;
  const FT_Fixed fixed = std::lround(factor * 65536.0);
  const FT_Matrix matrix{fixed, 0, 0, fixed};
  FT_Outline_Transform(&outline, &matrix);
  FT_Outline_Get_BBox(&outline, &box);
  FT_Outline_Translate(&outline, 32 * size - (box.xMin + box.xMax) / 2,
                       32 * size - (box.yMin + box.yMax) / 2);

  sampler::Image glyph(size, size, 1);
  FT_Bitmap bitmap{};
  bitmap.rows = bitmap.width = static_cast<unsigned>(size);
  bitmap.pitch = size;
  bitmap.buffer = glyph.pixels.data();
  bitmap.num_grays = 256;
  bitmap.pixel_mode = FT_PIXEL_MODE_GRAY;
  if (FT_Outline_Get_Bitmap(library, &outline, &bitmap) != 0) return std::nullopt;
  if (std::ranges::all_of(glyph.pixels, [](uint8_t p) { return p == 0; })) return std::nullopt;
  return glyph;
}

Face::Face(std::unique_ptr<Impl> state) : impl_(std::move(state)) {}
Face::Face(Face&&) noexcept = default;
Face& Face::operator=(Face&&) noexcept = default;
Face::~Face() = default;

std::optional<Face> Face::open(const std::filesystem::path& path) {
  auto state = std::make_unique<Impl>();
  if (FT_Init_FreeType(&state->library) != 0) return std::nullopt;
  if (!is_file(path)) return std::nullopt;  // opening a FIFO could wait for ever
  if (FT_New_Face(state->library, path.c_str(), 0, &state->face) != 0) return std::nullopt;
  FT_Face face = state->face;
  if (!FT_IS_SCALABLE(face) || !face->family_name || !face->charmap) return std::nullopt;
  if (face->charmap->encoding != FT_ENCODING_UNICODE) return std::nullopt;
  if (FT_Set_Pixel_Sizes(face, 0, kLoadSize) != 0) return std::nullopt;
  state->family = face->family_name;
  state->style = face->style_name ? face->style_name : "Regular";
  return Face(std::move(state));
}

const std::string& Face::family() const {
  return impl_->family;
}
const std::string& Face::style() const {
  return impl_->style;
}

std::string Face::version() const {
  const auto* head = static_cast<const TT_Header*>(FT_Get_Sfnt_Table(impl_->face, FT_SFNT_HEAD));
  if (!head) return "unknown";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(head->Font_Revision) / 65536.0);
  return text.data();
}

std::vector<char32_t> Face::codes() const {
  std::vector<char32_t> all;
  FT_UInt index = 0;
  for (FT_ULong code = FT_Get_First_Char(impl_->face, &index); index != 0;
       code = FT_Get_Next_Char(impl_->face, code, &index))
    all.push_back(static_cast<char32_t>(code));
  return all;
}

std::optional<sampler::Image> Face::draw(char32_t code, int size, Scale scale) const {
  const FT_UInt index = FT_Get_Char_Index(impl_->face, code);
  if (index == 0) return std::nullopt;
  auto glyph = impl_->draw_glyph(index, size, scale);
  if (!glyph) return std::nullopt;
  if (impl_->notdef_at(size, scale) == glyph->pixels) return std::nullopt;
  return glyph;
}

std::string freetype_version() {
  FT_Library library = nullptr;
  if (FT_Init_FreeType(&library) != 0) return "unknown";
  int major = 0, minor = 0, patch = 0;
  FT_Library_Version(library, &major, &minor, &patch);
  FT_Done_FreeType(library);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace lodestone::data
