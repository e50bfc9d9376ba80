#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trainer/eval/comparison.h"

namespace lodestone::eval {

/// Texts as sparse vectors of their character n-grams: the baseline of nearest neighbours without learning.
/// Scores are float64 sums in the order in which n-grams first occur, so equal texts score equal with every
/// text and nothing depends on threads. A text without a word has similarity 0 with all.
/// Math      n-grams of 2 to 4 characters within words, each word in lower case and between two spaces (a
///           word shorter than n counts once); weight = count · (ln((1 + N) / (1 + df)) + 1), df the number
///           of texts with the n-gram; rows of unit length. (scikit-learn's
///           TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).)
/// Cost      about 24 bytes for each different n-gram of each text; finding neighbours takes Σ df over the
///           query's n-grams
/// Threads   const methods are safe concurrently
class TfIdf {
 public:
  explicit TfIdf(const std::vector<std::string>& texts);

  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  int64_t terms() const { return static_cast<int64_t>(postings_.size()); }
  /// Cosine of rows i and j.
  double score(int64_t i, int64_t j) const;
  /// Cosine of row i with every row.
  std::vector<double> scores(int64_t i) const;

 private:
  struct Weight {
    uint32_t index;  // index of the term (in a row) or of the row (in a posting)
    double value;
  };
  void add(std::string_view text, std::unordered_map<std::string, uint32_t>& terms);

  std::vector<std::vector<Weight>> rows_;      // weights by term, ascending
  std::vector<std::vector<Weight>> postings_;  // weights by row, ascending
};

/// Both arguments must outlive the comparison.
Comparison compare_texts(const TfIdf& texts, std::span<const int64_t> groups_N);

}  // namespace lodestone::eval
