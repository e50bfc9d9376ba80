#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lodestone {

/// A text as it is compared: NFKC, without case, runs of white space as one space.
std::string folded(const std::string& text);

/// Finds the texts that share most of their letter trigrams (of the folded text, with a mark at each end) with another one.
/// Math      |A ∩ B| / |A ∪ B| >= share, A and B the sets of trigrams
/// Cost      a list of the rarest (1 - share) of each text's trigrams; a search reads the lists of its own rarest ones
class NearTexts {
 public:
  NearTexts(const std::vector<std::string>& texts, double share);

  /// The texts near text i, ascending, itself left out.
  std::vector<size_t> near(size_t i) const;

 private:
  struct Mention {
    uint32_t text;
    uint32_t place;  // of the trigram in the text's list
  };
  size_t rare(size_t i) const;  // how many of the rarest trigrams two near texts can't both lack

  double share_;
  std::vector<std::vector<uint32_t>>
      trigrams_;  // of each text, the rarest first: numbers are ranks by frequency
  std::vector<std::vector<Mention>> mentions_;  // of each trigram, in texts that have it among their rarest
};

}  // namespace lodestone
