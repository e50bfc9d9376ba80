#include "trainer/data/lookalikes.h"

#include <algorithm>
#include <memory>
#include <tuple>

#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include "common/error.h"

namespace lodestone::data {

namespace {

constexpr int kFewestVotes = 2;
constexpr double kSmallestShare = 0.5;

// Disjoint sets of letters; the smallest letter represents its set.
class Groups {
 public:
  explicit Groups(const std::vector<char32_t>& letters) {
    for (const char32_t letter : letters) parent_[letter] = letter, size_[letter] = 1;
  }
  char32_t find(char32_t letter) {
    char32_t& parent = parent_.at(letter);
    if (parent != letter) parent = find(parent);
    return parent;
  }
  enum class Join { kDone, kAlready, kRefused };
  Join join(char32_t a, char32_t b) {
    const auto [first, second] = std::minmax({find(a), find(b)});
    if (first == second) return Join::kAlready;
    if (size_[first] + size_[second] > LookAlikes::kLargestGroup) return Join::kRefused;
    parent_[second] = first;
    size_[first] += size_[second];
    return Join::kDone;
  }

 private:
  std::map<char32_t, char32_t> parent_;
  std::map<char32_t, int> size_;
};

class Skeletons {
 public:
  Skeletons() : checker_(uspoof_open(&status_), &uspoof_close) { check(); }

  icu::UnicodeString of(char32_t letter) {
    const icu::UnicodeString text(static_cast<UChar32>(letter));
    icu::UnicodeString skeleton;
    uspoof_getSkeletonUnicodeString(checker_.get(), 0, text, skeleton, &status_);
    check();
    return skeleton;
  }

 private:
  void check() const {
    if (U_FAILURE(status_))
      throw DataError(std::string("typefaces: ICU's table of confusable letters cannot be used: ") +
                      u_errorName(status_) + "; install the package libicu-dev again");
  }
  UErrorCode status_ = U_ZERO_ERROR;
  std::unique_ptr<USpoofChecker, decltype(&uspoof_close)> checker_;
};

// Pairs that enough typefaces draw the same, the most certain first: (share, first, second).
std::vector<std::tuple<double, char32_t, char32_t>> measured_pairs(const std::vector<Survey>& surveys) {
  std::map<LetterPair, int> votes;
  for (const auto& survey : surveys)
    for (const auto& pair : survey.alike) ++votes[pair];
  std::vector<std::tuple<double, char32_t, char32_t>> pairs;
  for (const auto& [pair, count] : votes) {
    if (count < kFewestVotes) continue;
    const auto both = std::ranges::count_if(
        surveys, [&pair = pair](const Survey& s) { return s.has(pair.first) && s.has(pair.second); });
    const double share = static_cast<double>(count) / static_cast<double>(both);
    if (share >= kSmallestShare) pairs.emplace_back(share, pair.first, pair.second);
  }
  std::ranges::stable_sort(pairs, std::greater(), [](const auto& pair) { return std::get<0>(pair); });
  return pairs;
}

}  // namespace

LookAlikes find_look_alikes(const std::vector<char32_t>& letters, const std::vector<Survey>& surveys) {
  LookAlikes result;
  Groups groups(letters);
  const auto join = [&](char32_t a, char32_t b, int64_t& done) {
    const auto outcome = groups.join(a, b);
    if (outcome == Groups::Join::kDone) ++done;
    if (outcome == Groups::Join::kRefused) ++result.refused;
  };

  Skeletons skeletons;
  std::map<icu::UnicodeString, char32_t> first_of;
  for (const char32_t letter : letters) {
    const auto [place, fresh] = first_of.emplace(skeletons.of(letter), letter);
    if (!fresh) join(place->second, letter, result.confusable);
  }
  for (const auto& [share, a, b] : measured_pairs(surveys))
    if (std::ranges::binary_search(letters, a) && std::ranges::binary_search(letters, b))
      join(a, b, result.measured);

  for (const char32_t letter : letters) result.group[letter] = groups.find(letter);
  return result;
}

}  // namespace lodestone::data
