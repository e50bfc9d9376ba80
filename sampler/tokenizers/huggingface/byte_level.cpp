#include "sampler/tokenizers/huggingface/byte_level.h"

#include <array>

#include "sampler/tokenizers/huggingface/characters.h"

namespace lodestone::sampler::huggingface {

namespace {

struct ByteName {
  char bytes[2];
  uint8_t length;
};

constexpr std::array<ByteName, 256> make_names() {
  std::array<ByteName, 256> names{};
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const int c = itself ? byte : next++;
    names[static_cast<size_t>(byte)] =
        c < 0x80 ? ByteName{{static_cast<char>(c), 0}, 1}
                 : ByteName{{static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))}, 2};
  }
  return names;
}

constexpr std::array<ByteName, 256> kNames = make_names();

enum class Kind { kLetter, kNumber, kWhite, kOther, kEnd };

Kind kind_at(std::string_view text, size_t& at) {
  if (at >= text.size()) return Kind::kEnd;
  const UChar32 c = next_character(text, at);
  return is_letter(c)   ? Kind::kLetter
         : is_number(c) ? Kind::kNumber
         : is_white(c)  ? Kind::kWhite
                        : Kind::kOther;
}

// Bytes of 's, 't, 're, 've, 'm, 'll or 'd at the beginning of `rest`, or 0.
size_t contraction(std::string_view rest) {
  if (rest.size() < 2 || rest[0] != '\'') return 0;
  if (std::string_view("stmd").find(rest[1]) != std::string_view::npos) return 2;
  const std::string_view two = rest.substr(1, 2);
  return two == "re" || two == "ve" || two == "ll" ? 3 : 0;
}

// Behind the characters of a kind. `last`: where the last of them begins.
size_t end_of_kind(std::string_view text, size_t at, Kind kind, size_t& last) {
  for (size_t behind = at; kind_at(text, behind) == kind; at = behind) last = at;
  return at;
}

size_t end_of_word(std::string_view text, size_t begin) {
  if (const size_t length = contraction(text.substr(begin)); length > 0) return begin + length;
  const size_t start = begin + (text[begin] == ' ' ? 1 : 0);
  size_t behind = start, last = begin;
  const Kind kind = kind_at(text, behind);
  if (kind != Kind::kWhite && kind != Kind::kEnd) return end_of_kind(text, start, kind, last);
  // The last white space before a word belongs to the word, unless it is alone.
  const size_t end = end_of_kind(text, begin, Kind::kWhite, last);
  return end < text.size() && last > begin ? last : end;
}

}  // namespace

size_t append_byte(char byte, std::string& out) {
  const ByteName& name = kNames[static_cast<unsigned char>(byte)];
  out.append(name.bytes, name.length);
  return name.length;
}

void find_gpt2_words(std::string_view text, std::vector<Match>& words) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = end_of_word(text, begin);
    words.push_back({begin, end, true});
    begin = end;
  }
}

}  // namespace lodestone::sampler::huggingface
