#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trainer/data/shard_writer.h"
#include "trainer/data/split.h"

namespace lodestone::data {

/// One text that names a concept.
struct Name {
  std::string text;
  std::string origin;  ///< kind of name: a language, "definition", "word"
};

/// A concept that several texts name: a class of texts.
struct Concept {
  std::string label;  ///< unique
  std::vector<Name> names;
  /// related concepts: a model that was trained on them must not be evaluated on this one
  std::vector<size_t> kin;
};

/// Removes ambiguous texts. A text (folded, see near_texts.h) that names several concepts is removed from all
/// of them, and they become related (kin). Repeated texts of a concept are removed, and then concepts with
/// fewer than two texts, or without one of the origin `needed` (if not empty). The order stays.
std::vector<Concept> distinct(std::vector<Concept> concepts, const std::string& needed = "");

/// How concepts are divided into splits.
struct Shares {
  double validation = 0.05;  ///< share of all concepts
  double test = 0.10;
  double nearness = 0.6;  ///< texts that share at least this part of their trigrams are near duplicates
};

/// The split of each concept; unset for one that is left out. The hash of the label alone selects the
/// concepts of test and validation. Concepts that are kin to a test concept, or have a name nearly equal to
/// one of its names, are left out of training and validation; those close to a validation concept are left
/// out of training.
std::vector<std::optional<Split>> split_concepts(const std::vector<Concept>& concepts, const Shares& shares);

/// The counts and files of one split.
struct ConceptSplit {
  int64_t concepts = 0;
  int64_t names = 0;
  ShardFile file;   ///< file of names
  ShardFile pairs;  ///< file of pairs
};

struct ConceptsReport {
  std::array<ConceptSplit, 3> splits;  ///< by Split
  int64_t left_out = 0;                ///< concepts too close to those of validation or test
};

/// What differs between the text data sets.
struct ConceptsSource {
  std::string kind;         ///< "wordnet": the manifest is wordnet.json
  std::string origin_name;  ///< the field with a name's origin: "language"
  std::string version;      ///< version of the source of the concepts
  Shares shares;
};

/// Writes a text data set. The bytes are a function of the concepts.
/// Output    train.jsonl, validation.jsonl, test.jsonl: one name per line, {"text": …, "label": …,
///           <origin_name>: …}; train-pairs.jsonl …: each concept's first name with every other one,
///           {"sentence1": …, "sentence2": …}; and, last, KIND.json with counts and checksums
/// Throws    DataError if a split would be empty or the folder holds data of another origin, IoError
ConceptsReport write_concepts(const std::filesystem::path& output, const ConceptsSource& source,
                              const std::vector<Concept>& concepts);

}  // namespace lodestone::data
