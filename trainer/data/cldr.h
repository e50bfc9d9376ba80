#pragma once

#include <filesystem>

#include "common/log.h"
#include "trainer/data/concepts.h"

namespace lodestone::data {

struct CldrOptions {
  std::filesystem::path output;  ///< folder for the files; created if it is missing
  /// With main/, subdivisions/, annotations/.
  std::filesystem::path source = "/usr/share/unicode/cldr/common";
};

/// Makes a data set of names in 21 languages from Unicode's locale data. A concept is a language, script,
/// territory, subdivision, currency, unit or symbol ("territory/FR", "symbol/U+1F600"), its names are those
/// in the languages. The concepts of validation and test do not occur in training, nor do concepts that share
/// a name with them or have a nearly equal one in any language.
/// Output    see write_concepts; the origin is "language": the first language that has the name
/// Cost      4 s, 600 MB of memory
/// Throws    DataError if the files are missing (naming the package) or damaged (naming the file), IoError
ConceptsReport make_cldr(const CldrOptions& options, const Log& log);

}  // namespace lodestone::data
