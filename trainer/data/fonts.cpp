#include "trainer/data/fonts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "common/error.h"
#include "common/files.h"
#include "common/text_format.h"
#include "trainer/data/face.h"
#include "trainer/data/parallel.h"

namespace lodestone::data {

namespace fs = std::filesystem;

namespace {

// Words in style names that mean strokes or widths far from the regular ones.
constexpr auto kOtherStyles = std::to_array<std::string_view>(
    {"thin", "hairline", "light", "semi", "demi", "extra", "black", "heavy", "expanded", "retina"});

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool is_plain_style(const std::string& style) {
  const std::string words = lower(style);
  return std::ranges::none_of(kOtherStyles,
                              [&](std::string_view word) { return words.find(word) != std::string::npos; });
}

std::vector<fs::path> font_files(const std::vector<fs::path>& roots) {
  std::set<fs::path> found;
  for (const auto& root : roots) {
    std::error_code error;
    auto walk = fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied, error);
    for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
      const std::string ending = lower(walk->path().extension().string());
      const bool font = ending == ".ttf" || ending == ".otf" || ending == ".ttc";
      std::error_code ignored;
      if (font && walk->is_regular_file(ignored)) found.insert(walk->path());
    }
  }
  return {found.begin(), found.end()};
}

std::optional<Typeface> read_typeface(const fs::path& path) {
  const auto face = Face::open(path);
  if (!face || !is_plain_style(face->style())) return std::nullopt;
  const auto split = split_of_family(face->family());
  if (!split) return std::nullopt;
  return Typeface{path, face->family(), face->style(), face->version(), checksum(read_file(path)), *split};
}

[[noreturn]] void fail_without_fonts(const std::vector<fs::path>& roots) {
  throw DataError("typefaces: expected font files below " + joined(roots) +
                  ", found none of the families that the data set is made of; " + font_remedy());
}

}  // namespace

std::string font_remedy() {
  return "install them: sudo apt-get install --no-install-recommends fonts-noto-core fonts-freefont-ttf "
         "fonts-dejavu-core fonts-dejavu-extra fonts-liberation fonts-thai-tlwg-ttf (all of them are listed "
         "in trainer/data/packages.txt)";
}

std::vector<Typeface> find_typefaces(const std::vector<fs::path>& roots, int threads) {
  const auto files = font_files(roots);
  std::vector<std::optional<Typeface>> read(files.size());
  parallel_for(files.size(), threads, [&](size_t i) { read[i] = read_typeface(files[i]); });

  std::vector<Typeface> typefaces;
  for (auto& typeface : read)
    if (typeface) typefaces.push_back(std::move(*typeface));
  if (typefaces.empty()) fail_without_fonts(roots);
  // The order must not depend on where packages install their files; of several files of one name the first
  // path is kept.
  std::ranges::stable_sort(typefaces, {}, &Typeface::name);
  const auto doubles = std::ranges::unique(typefaces, {}, &Typeface::name);
  typefaces.erase(doubles.begin(), doubles.end());
  return typefaces;
}

}  // namespace lodestone::data
