#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "trainer/data/split.h"

namespace lodestone::data {

/// A font file that can draw instances: one style of a family.
struct Typeface {
  std::filesystem::path path;
  std::string family;    ///< "DejaVu Sans"
  std::string style;     ///< "Bold Oblique"
  std::string version;   ///< version of the file, "2.370"
  std::string checksum;  ///< checksum of the file's bytes
  Split split = Split::kTrain;

  std::string name() const { return family + " " + style; }
};

/// Finds the usable typefaces below the roots, sorted by name: *.ttf, *.otf and *.ttc that FreeType can open,
/// of the families that split.h names, in regular, bold and slanted styles (light, black and wide ones add
/// little), one file each.
/// Cost      every font file is read once
/// Throws    DataError naming the packages to install if there are none
std::vector<Typeface> find_typefaces(const std::vector<std::filesystem::path>& roots, int threads);

/// The end of a message about missing fonts: names the packages to install.
std::string font_remedy();

}  // namespace lodestone::data
