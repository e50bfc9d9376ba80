#pragma once

#include <filesystem>

#include "common/log.h"
#include "trainer/data/concepts.h"

namespace lodestone {

struct CldrOptions {
  std::filesystem::path output;  ///< folder for the files, made if need be
  std::filesystem::path source =
      "/usr/share/unicode/cldr/common";  ///< with main/, subdivisions/, annotations/
};

/// Makes a data set of names in 21 languages from Unicode's locale data: a concept is a language, script, territory,
/// subdivision, currency, unit or symbol ("territory/FR", "symbol/U+1F600"), its names are those that the languages give it. Judged
/// things are unseen, and so are those that share a name with them or have a nearly equal one in any language.
/// Output    see write_concepts; the origin is "language": the first of them that has the name
/// Cost      4 s, 600 MB of memory
/// Throws    DataError if the files are missing (naming the package) or damaged (naming the file), IoError
ConceptsReport make_cldr(const CldrOptions& options, const Log& log);

}  // namespace lodestone
