#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lodestone::data {

/// The form in which texts are compared: NFKC, without case, runs of white space as one space.
std::string folded(const std::string& text);

/// Finds texts that share most of their letter trigrams (of the folded text, with a mark at each end) with
/// another text.
/// Math      |A ∩ B| / |A ∪ B| >= share, A and B the sets of trigrams
/// Cost      a list of the rarest (1 - share) of each text's trigrams; a search reads the lists of the rarest
///           trigrams of its text
class NearTexts {
 public:
  NearTexts(const std::vector<std::string>& texts, double share);

  /// The texts near text i, ascending, without i.
  std::vector<size_t> near(size_t i) const;

 private:
  struct Mention {
    uint32_t text;
    uint32_t place;  // index of the trigram in the text's list
  };
  size_t rare(size_t i) const;  // number of the rarest trigrams of which two near texts share at least one

  double share_;
  // per text: its trigrams, the rarest first; a trigram's number is its rank by frequency
  std::vector<std::vector<uint32_t>> trigrams_;
  std::vector<std::vector<Mention>> mentions_;  // per trigram: the texts that have it among their rarest
};

}  // namespace lodestone::data
