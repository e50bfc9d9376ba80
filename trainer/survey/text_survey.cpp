#include "trainer/survey/text_survey.h"

#include <unordered_set>
#include <vector>

namespace lodestone::survey {

namespace {

/// Counts of characters over the texts of a survey.
class Letters {
 public:
  /// Returns the number of code points. Requires UTF-8.
  int64_t add(const std::string& text) {
    int64_t characters = 0;
    for (size_t i = 0; i < text.size(); ++characters) {
      const auto lead = static_cast<unsigned char>(text[i]);
      const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      uint32_t point = length == 1 ? lead : lead & (0x7FU >> length);
      for (size_t k = 1; k < length && i + k < text.size(); ++k)
        point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
      add(point);
      i += length;
    }
    return characters;
  }

  int64_t distinct() const { return static_cast<int64_t>(seen_.size()); }
  double not_latin() const { return share(others_); }
  double accented() const { return share(latin_); }

 private:
  void add(uint32_t point) {
    seen_.insert(point);
    if ((point | 0x20U) >= 'a' && (point | 0x20U) <= 'z') ++ascii_;
    if ((point >= 0xC0 && point < 0x250) || (point >= 0x1E00 && point < 0x1F00)) ++latin_;
    // Beyond Latin and its marks, without punctuation, symbols and emoji.
    if ((point >= 0x370 && point < 0x1E00) || (point >= 0x1F00 && point < 0x2000) ||
        (point >= 0x3040 && point < 0xE000) || (point >= 0x20000 && point < 0x40000))
      ++others_;
  }
  double share(int64_t count) const {
    const int64_t all = ascii_ + latin_ + others_;
    return all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all);
  }

  std::unordered_set<uint32_t> seen_;
  int64_t ascii_ = 0, latin_ = 0, others_ = 0;
};

int64_t words_of(const std::string& text) {
  int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    words += !blank && !inside ? 1 : 0;
    inside = !blank;
  }
  return words;
}

}  // namespace

TextSurvey survey_texts(const sampler::TextDataset& texts, const SurveyLimits& limits) {
  TextSurvey found;
  Letters letters;
  std::vector<double> characters, words;
  const Unread unread = visit_spread(texts.size(), limits, [&](int64_t i) {
    const std::string text = texts.get(i);
    characters.push_back(static_cast<double>(letters.add(text)));
    words.push_back(static_cast<double>(words_of(text)));
    return true;
  });
  found.damaged = unread.count;
  found.first_damaged = unread.first;
  found.read = static_cast<int64_t>(characters.size());
  found.characters = spread_of(std::move(characters));
  found.words = spread_of(std::move(words));
  found.distinct_characters = letters.distinct();
  found.not_latin = letters.not_latin();
  found.accented = letters.accented();
  return found;
}

}  // namespace lodestone::survey
