#include "trainer/data/selection.h"

#include <algorithm>
#include <array>
#include <set>

#include "common/rng.h"
#include "trainer/data/letters.h"
#include "trainer/data/lookalikes.h"

namespace lodestone::data {

namespace {

// The typefaces of the letter's split that draw it, without those that repeat an earlier one's drawing: a
// copy of an image in the gallery would make its query trivial.
std::vector<size_t> distinct_typefaces(char32_t code, Split split, const std::vector<Typeface>& typefaces,
                                       const std::vector<Survey>& surveys, int64_t& repeats) {
  std::vector<size_t> kept;
  for (size_t i = 0; i < typefaces.size(); ++i) {
    if (typefaces[i].split != split || !surveys[i].has(code)) continue;
    const Sketch& sketch = surveys[i].sketch(code);
    const bool repeated = std::ranges::any_of(
        kept, [&](size_t k) { return same_drawing(surveys[k].sketch(code), sketch, kCopiedDrawing); });
    if (repeated)
      ++repeats;
    else
      kept.push_back(i);
  }
  return kept;
}

void choose_typefaces(Letter& letter, const SelectionRule& rule) {
  const auto most = static_cast<size_t>(rule.max_typefaces);
  if (letter.typefaces.size() <= most) return;
  Random(rule.seed, Purpose::kSampler, letter.code).shuffle(letter.typefaces);
  letter.typefaces.resize(most);
  std::ranges::sort(letter.typefaces);
}

// The split that keeps a group that several have: training, since it has most; then test, whose scripts
// should be complete.
int rank_of(Split split) {
  const std::array order{Split::kTrain, Split::kTest, Split::kValidation};
  return static_cast<int>(std::ranges::find(order, split) - order.begin());
}

// Drops letters whose look-alike is kept by another split: letters of validation and test must not have a
// shape that training has.
int64_t drop_seen(std::vector<Letter>& letters) {
  std::map<char32_t, int> first_split;
  for (const auto& letter : letters) {
    const auto [place, fresh] = first_split.emplace(letter.group, rank_of(letter.split));
    if (!fresh) place->second = std::min(place->second, rank_of(letter.split));
  }
  return static_cast<int64_t>(std::erase_if(
      letters, [&](const Letter& letter) { return first_split.at(letter.group) < rank_of(letter.split); }));
}

// A group is named after its first remaining letter.
void name_groups(std::vector<Letter>& letters) {
  std::map<char32_t, char32_t> first;
  for (auto& letter : letters) letter.group = first.emplace(letter.group, letter.code).first->second;
}

}  // namespace

Selection select_letters(const std::vector<char32_t>& letters, const std::vector<Typeface>& typefaces,
                         const std::vector<Survey>& surveys, const SelectionRule& rule) {
  Selection result;
  std::vector<char32_t> codes;
  for (const char32_t code : letters) {
    const auto split = split_of_script(script_of(code));
    if (!split) continue;
    auto drawn_by = distinct_typefaces(code, *split, typefaces, surveys, result.same_drawings);
    if (drawn_by.size() < static_cast<size_t>(rule.min_typefaces)) {
      ++result.rare_letters;
      continue;
    }
    codes.push_back(code);
    result.letters.push_back({code, *split, code, std::move(drawn_by)});
  }

  const auto alike = find_look_alikes(codes, surveys);
  for (auto& letter : result.letters) letter.group = alike.group.at(letter.code);
  result.confusable_joins = alike.confusable;
  result.measured_joins = alike.measured;
  result.refused_joins = alike.refused;
  result.seen_letters = drop_seen(result.letters);
  name_groups(result.letters);
  for (auto& letter : result.letters) choose_typefaces(letter, rule);
  return result;
}

}  // namespace lodestone::data
