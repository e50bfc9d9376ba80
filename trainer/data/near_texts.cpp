#include "trainer/data/near_texts.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include "common/error.h"

namespace lodestone::data {

namespace {

using Trigram = uint64_t;  // three code points of 21 bits

std::vector<Trigram> trigrams_of(const std::string& text) {
  const icu::UnicodeString marked = u'\u0002' + icu::UnicodeString::fromUTF8(folded(text)) + u'\u0003';
  std::vector<Trigram> all;
  Trigram last = 0;
  int32_t seen = 0;
  for (int32_t i = 0; i < marked.length(); i = marked.moveIndex32(i, 1)) {
    last = (last << 21 | static_cast<Trigram>(marked.char32At(i))) & ((Trigram{1} << 63) - 1);
    if (++seen >= 3) all.push_back(last);
  }
  std::ranges::sort(all);
  const auto doubles = std::ranges::unique(all);
  all.erase(doubles.begin(), doubles.end());
  return all;
}

// The least number of trigrams that two near texts of these sizes share.
int64_t needed(size_t a, size_t b, double share) {
  return static_cast<int64_t>(std::ceil(share / (1 + share) * static_cast<double>(a + b) - 1e-9));
}

// Both ascending. Stops as soon as too few are left to reach the number: mostly at once, since the rarest
// come first.
bool is_near(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b, double share) {
  const int64_t both_needed = needed(a.size(), b.size(), share);
  int64_t both = 0;
  auto x = a.begin(), y = b.begin();
  while (x != a.end() && y != b.end() && both + std::min(a.end() - x, b.end() - y) >= both_needed) {
    if (*x == *y)
      ++both, ++x, ++y;
    else if (*x < *y)
      ++x;
    else
      ++y;
  }
  return both >= both_needed;
}

}  // namespace

std::string folded(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* folder = icu::Normalizer2::getNFKCCasefoldInstance(status);
  const icu::UnicodeString whole = folder->normalize(icu::UnicodeString::fromUTF8(text), status);
  if (U_FAILURE(status)) throw DataError(std::string("text: ICU cannot fold case: ") + u_errorName(status));
  icu::UnicodeString spaced;
  for (int32_t i = 0; i < whole.length(); i = whole.moveIndex32(i, 1)) {
    const UChar32 code = whole.char32At(i);
    if (!u_isUWhiteSpace(code))
      spaced.append(code);
    else if (!spaced.endsWith(u" ", 1))
      spaced.append(u' ');
  }
  std::string utf8;
  spaced.trim().toUTF8String(utf8);
  return utf8;
}

NearTexts::NearTexts(const std::vector<std::string>& texts, double share) : share_(share) {
  std::vector<std::vector<Trigram>> all;
  std::unordered_map<Trigram, uint32_t> frequency;
  for (const auto& text : texts) {
    all.push_back(trigrams_of(text));
    for (const Trigram trigram : all.back()) ++frequency[trigram];
  }
  std::vector<Trigram> by_frequency;
  for (const auto& [trigram, count] : frequency) by_frequency.push_back(trigram);
  std::ranges::sort(by_frequency, {}, [&](Trigram t) { return std::pair(frequency[t], t); });
  for (size_t rank = 0; rank < by_frequency.size(); ++rank)
    frequency[by_frequency[rank]] = static_cast<uint32_t>(rank);

  mentions_.resize(by_frequency.size());
  for (size_t i = 0; i < all.size(); ++i) {
    auto& ranks = trigrams_.emplace_back();
    for (const Trigram trigram : all[i]) ranks.push_back(frequency[trigram]);
    std::ranges::sort(ranks);
    for (size_t k = 0; k < rare(i); ++k)
      mentions_[ranks[k]].push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(k)});
  }
}

size_t NearTexts::rare(size_t i) const {
  const size_t count = trigrams_[i].size();
  if (count == 0) return 0;
  return count - static_cast<size_t>(std::ceil(share_ * static_cast<double>(count) - 1e-9)) + 1;
}

std::vector<size_t> NearTexts::near(size_t i) const {
  const auto& own = trigrams_[i];
  std::vector<char> seen(trigrams_.size());
  seen[i] = 1;
  std::vector<size_t> found;
  for (size_t k = 0; k < rare(i); ++k)
    for (const auto& [text, place] : mentions_[own[k]]) {
      if (seen[text]) continue;
      seen[text] = 1;
      const auto& other = trigrams_[text];
      const size_t left = std::min(own.size() - k, other.size() - place);  // none of the earlier ones matched
      if (static_cast<int64_t>(left) >= needed(own.size(), other.size(), share_) &&
          is_near(own, other, share_))
        found.push_back(text);
    }
  std::ranges::sort(found);
  return found;
}

}  // namespace lodestone::data
