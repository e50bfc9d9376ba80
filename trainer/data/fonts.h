#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "trainer/data/split.h"

namespace lodestone {

/// A font file that may draw instances: a family in one style.
struct Typeface {
  std::filesystem::path path;
  std::string family;    ///< "DejaVu Sans"
  std::string style;     ///< "Bold Oblique"
  std::string version;   ///< of the file, "2.370"
  std::string checksum;  ///< of the file's bytes
  Split split = Split::kTrain;

  std::string name() const { return family + " " + style; }
};

/// The usable typefaces below the roots, sorted by name: *.ttf, *.otf and *.ttc that FreeType can open, of
/// the families that split.h names, in regular, bold and slanted styles (light, black and wide ones add
/// little), one file each. Cost      every font file is read once Throws    DataError naming the packages to
/// install if there are none
std::vector<Typeface> find_typefaces(const std::vector<std::filesystem::path>& roots, int threads);

/// What to do about missing fonts, as the end of a message: names packages.
std::string font_remedy();

}  // namespace lodestone
