#pragma once

#include <filesystem>

#include "common/log.h"
#include "trainer/data/concepts.h"

namespace lodestone::data {

struct WordnetOptions {
  std::filesystem::path output;                         ///< folder for the files; created if it is missing
  std::filesystem::path source = "/usr/share/wordnet";  ///< with data.noun, data.verb, data.adj, data.adv
};

/// Makes a data set of definitions and words from WordNet (Miller 1995; Fellbaum 1998). A concept is a
/// synset, "00005930-n", its names are its definition and the words and phrases that have no other meaning.
/// The synsets of validation and test do not occur in training, nor do those with a near definition or word,
/// those that share a word (also one of several meanings), and those linked by derivation, similarity or
/// opposition; see docs/data-sets.md.
/// Output    see write_concepts; the origin is "role": "definition" or "word"
/// Cost      5 s, 400 MB of memory
/// Throws    DataError if WordNet is missing (naming the package) or damaged (naming file and line), IoError
ConceptsReport make_wordnet(const WordnetOptions& options, const Log& log);

}  // namespace lodestone::data
