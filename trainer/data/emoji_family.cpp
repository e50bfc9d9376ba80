#include "trainer/data/emoji_family.h"

#include <algorithm>
#include <array>
#include <map>

#include "trainer/data/letters.h"

namespace lodestone::data {

namespace {

constexpr char32_t kJoiner = 0x200D, kVariation = 0xFE0F, kKeycap = 0x20E3;
constexpr char32_t kPerson = 0x1F9D1, kPeople = 0x1F46A, kClock = 0x1F550, kHeart = 0x2764;

// Code points that only modify: variation, joiner, gender signs, direction, skin tones, hair.
bool modifies(char32_t code) {
  constexpr auto kSingle = std::to_array<char32_t>({kJoiner, kVariation, 0x2640, 0x2642, 0x27A1});
  return std::ranges::find(kSingle, code) != kSingle.end() || (code >= 0x1F3FB && code <= 0x1F3FF) ||
         (code >= 0x1F9B0 && code <= 0x1F9B3);
}

// Emoji that are drawn for men, women, all, the young and the old by code points of their own.
char32_t common(char32_t code) {
  static const std::map<char32_t, char32_t> kSiblings{
      {0x1F468, kPerson}, {0x1F469, kPerson}, {0x1F9D4, kPerson},
      {0x1F471, kPerson},  // man, woman, beard, blond
      {0x1F466, kPerson}, {0x1F467, kPerson}, {0x1F9D2, kPerson},
      {0x1F476, kPerson},                                          // boy, girl, child, baby
      {0x1F474, kPerson}, {0x1F475, kPerson}, {0x1F9D3, kPerson},  // the old
      {0x1F46B, kPeople}, {0x1F46C, kPeople}, {0x1F46D, kPeople},  // two of them
      {0x1F48F, kPeople}, {0x1F491, kPeople},                      // kiss, couple with heart
      {0x1F478, 0x1F934}, {0x1FAC5, 0x1F934},                      // princess, prince, crowned
      {0x1F936, 0x1F385},                                          // Mrs and Mr Claus
      {0x1F470, 0x1F935},                                          // veil, tuxedo
      {0x1F57A, 0x1F483},                                          // dancers
      {0x1FAC3, 0x1F930}, {0x1FAC4, 0x1F930}};                     // pregnant
  if (const auto found = kSiblings.find(code); found != kSiblings.end()) return found->second;
  return code >= kClock && code <= 0x1F567 ? kClock : code;
}

}  // namespace

std::string family_of(const std::u32string& emoji) {
  if (emoji.find(kKeycap) != std::u32string::npos) return code_name(kKeycap);
  std::u32string rest;
  for (const char32_t code : emoji)
    if (!modifies(code)) rest += common(code);
  const auto people = std::ranges::count(rest, kPerson);
  if (people > 1 || (people == 1 && rest.find(kHeart) != std::u32string::npos)) rest = kPeople;
  std::string name;
  for (const char32_t code : rest.empty() ? emoji : rest) name += (name.empty() ? "" : " ") + code_name(code);
  return name;
}

}  // namespace lodestone::data
