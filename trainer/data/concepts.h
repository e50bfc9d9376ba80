#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trainer/data/shard_writer.h"
#include "trainer/data/split.h"

namespace lodestone {

/// One of the texts that name a concept.
struct Name {
  std::string text;
  std::string origin;  ///< what kind of name: a language, "definition", "word"
};

/// A thing or a notion that several texts name: a class of texts.
struct Concept {
  std::string label;  ///< unlike every other one's
  std::vector<Name> names;
  std::vector<size_t>
      kin;  ///< concepts so close that it must not be judged by a model that was trained on them
};

/// Leaves every text with one meaning. A text (folded, see near_texts.h) that names several concepts answers no question
/// about them: it is left out of all, and they become kin. A concept's repeated texts are left out, and then concepts with
/// fewer than two, or without one of the origin `needed` (if not empty). The order stays.
std::vector<Concept> distinct(std::vector<Concept> concepts, const std::string& needed = "");

/// How concepts are shared out.
struct Shares {
  double validation = 0.05;  ///< of all concepts
  double test = 0.10;
  double nearness = 0.6;  ///< texts that share as much of their trigrams are near duplicates
};

/// The part of each concept, nothing for one left out. Which are judged is a function of the label alone (its hash). No kin
/// of a test concept, nor one with a name nearly equal to one of its names, is in training or validation, and so with
/// validation and training: such concepts are left out.
std::vector<std::optional<Split>> split_concepts(const std::vector<Concept>& concepts, const Shares& shares);

/// One part in figures.
struct ConceptSplit {
  int64_t concepts = 0;
  int64_t names = 0;
  ShardFile file;   ///< of names
  ShardFile pairs;  ///< of pairs
};

struct ConceptsReport {
  std::array<ConceptSplit, 3> splits;  ///< by Split
  int64_t left_out = 0;                ///< concepts too close to judged ones
};

/// What makes the text data sets differ.
struct ConceptsSource {
  std::string kind;         ///< "wordnet": the manifest is wordnet.json
  std::string origin_name;  ///< the field that says a name's origin: "language"
  std::string version;      ///< of what the concepts were read from
  Shares shares;
};

/// Writes train.jsonl, validation.jsonl, test.jsonl, a name per line: {"text": …, "label": …, <origin_name>: …}; train-pairs.jsonl
/// …, each concept's first name with every other one: {"sentence1": …, "sentence2": …}; and last KIND.json with figures and checksums.
/// The bytes are a function of the concepts.
/// Throws    DataError if a part would be empty or the folder holds data of another origin, IoError
ConceptsReport write_concepts(const std::filesystem::path& output, const ConceptsSource& source,
                              const std::vector<Concept>& concepts);

}  // namespace lodestone
