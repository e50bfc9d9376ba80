#include "trainer/data/survey.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "trainer/data/face.h"
#include "trainer/data/letters.h"
#include "trainer/data/parallel.h"

namespace lodestone::data {

namespace {

// A capital and its lower-case letter fill the frame with strokes of different weight, so the tolerance must
// be larger there: C, X and W differ from c, x and w by 0.32 to 0.37 (median over typefaces), P and U from p
// and u by 0.46 and 0.52.
constexpr double kSameUpToScale = 0.38;

LetterPair ordered(char32_t a, char32_t b) {
  return {std::min(a, b), std::max(a, b)};
}

// Only drawings with nearly equal ink can be the same: sorted by ink, each is compared with few neighbours.
void find_alike(Survey& survey) {
  std::vector<size_t> order(survey.letters.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return survey.sketches[i].ink; });
  for (size_t i = 0; i < order.size(); ++i) {
    const Sketch& a = survey.sketches[order[i]];
    for (size_t j = i + 1; j < order.size(); ++j) {
      const Sketch& b = survey.sketches[order[j]];
      if (b.ink - a.ink > kSameDrawing * b.ink) break;
      if (same_drawing(a, b, kSameDrawing))
        survey.alike.push_back(ordered(survey.letters[order[i]], survey.letters[order[j]]));
    }
  }
}

void find_alike_cases(const Face& face, Survey& survey) {
  for (const char32_t upper : survey.letters) {
    const char32_t lower = lower_case(upper);
    if (lower == upper || !survey.has(lower)) continue;
    const auto a = face.draw(upper, Sketch::kDrawnSize, Scale::kInkBox);
    const auto b = face.draw(lower, Sketch::kDrawnSize, Scale::kInkBox);
    if (a && b && same_drawing(Sketch(*a), Sketch(*b), kSameUpToScale))
      survey.alike.push_back(ordered(upper, lower));
  }
}

}  // namespace

bool Survey::has(char32_t letter) const {
  return std::ranges::binary_search(letters, letter);
}

const Sketch& Survey::sketch(char32_t letter) const {
  return sketches[static_cast<size_t>(std::ranges::lower_bound(letters, letter) - letters.begin())];
}

Survey survey(const Typeface& typeface, const std::vector<char32_t>& letters) {
  Survey result;
  const auto face = Face::open(typeface.path);
  if (!face) return result;
  std::vector<char32_t> mapped;
  std::ranges::set_intersection(face->codes(), letters, std::back_inserter(mapped));
  for (const char32_t letter : mapped) {
    const auto image = face->draw(letter, Sketch::kDrawnSize);
    if (!image) continue;
    result.letters.push_back(letter);
    result.sketches.emplace_back(*image);
  }
  find_alike(result);
  find_alike_cases(*face, result);
  std::ranges::sort(result.alike);
  const auto doubles = std::ranges::unique(result.alike);
  result.alike.erase(doubles.begin(), doubles.end());
  return result;
}

std::vector<char32_t> letters_of(const std::vector<Typeface>& typefaces, int limit, int threads) {
  std::vector<std::vector<char32_t>> codes(typefaces.size());
  parallel_for(typefaces.size(), threads, [&](size_t i) {
    if (const auto face = Face::open(typefaces[i].path)) codes[i] = face->codes();
  });
  std::set<char32_t> all;
  for (const auto& some : codes) all.insert(some.begin(), some.end());

  std::map<std::string, int> count;
  std::vector<char32_t> letters;
  for (const char32_t code : all) {
    if (!is_letter(code)) continue;
    const std::string script = script_of(code);
    if (!split_of_script(script)) continue;
    if (limit > 0 && count[script]++ >= limit) continue;
    letters.push_back(code);
  }
  return letters;
}

}  // namespace lodestone::data
