#pragma once

#include <string>

namespace lodestone::data {

/// The key that an emoji shares with its siblings: the sequence without skin tones, gender, age, hair and
/// direction, in code points as they are written, "1F44B". All keycaps are one family, and so are all couples
/// and families of people, and all clock faces. A flag is a family of its own.
std::string family_of(const std::u32string& emoji);

}  // namespace lodestone::data
