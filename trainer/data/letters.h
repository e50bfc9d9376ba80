#pragma once

#include <string>

namespace lodestone::data {

/// Whether a code point can be a class: category Lu, Ll, Lt or Lo (modifier letters repeat others in small),
/// without a compatibility decomposition (those are other letters in another size or joined), and of one
/// script.
bool is_letter(char32_t code);

/// The script's Unicode name in lower case, such as "latin".
std::string script_of(char32_t code);

/// "U+0041": at least four digits.
std::string code_name(char32_t code);

/// "latin/U+0041": a class's name, so that the pattern "latin/*" selects a script.
std::string class_name(char32_t code);

/// Unicode's name, such as "LATIN CAPITAL LETTER A".
std::string letter_name(char32_t code);

/// The simple lower-case partner, or the letter itself where it has none.
char32_t lower_case(char32_t code);

/// The ICU that classifies letters, as "72.1".
std::string icu_version();

}  // namespace lodestone::data
