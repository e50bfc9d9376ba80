#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "sampler/texts/disjoint_sets.h"

namespace lodestone::sampler {

struct TextSource;

/// Rows of texts by what they share: rows with a text in common, also through other rows, are one component.
/// A component has the smallest of its texts' numbers (part_number). So a large one has a small number, and
/// a part with large numbers has small components.
/// Memory    about 60 bytes per distinct text
class TextComponents {
 public:
  struct Component {
    double number = 0;
    int64_t rows = 0;
  };

  void add_row(const std::vector<std::string>& texts);
  /// The number of the component that has the text.
  /// Requires  a row with the text was added
  double number(const std::string& text);
  /// All components, in ascending order of their numbers.
  std::vector<Component> all();

 private:
  uint32_t node_of(const std::string& text);
  void take_smallest();

  std::unordered_map<uint64_t, uint32_t> nodes_;  // by the text's id
  DisjointSets sets_;
  std::vector<uint64_t> ids_;       // by node
  std::vector<uint32_t> rows_;      // first node of each row
  std::vector<uint64_t> smallest_;  // by root; empty until a number is asked for
};

/// The components of all rows of a source, whatever its part, whose numbers decide the part of each.
/// Cost      one pass
/// Throws    DataError, ConfigError, as open_texts; rows that cannot be read are left out
std::vector<TextComponents::Component> text_components(const TextSource& source);

}  // namespace lodestone::sampler
