#include <array>

#include "common/error.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/graphemes.h"
#include "sampler/tokenizers/huggingface/normalizers.h"

namespace lodestone::sampler::huggingface {

namespace {

constexpr size_t kLongestGrapheme = 6;  // bytes: longer ones are replaced character by character

std::string from_base64(const Part& part) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int8_t, 256> value;
  value.fill(-1);
  for (size_t i = 0; i < kDigits.size(); ++i)
    value[static_cast<unsigned char>(kDigits[i])] = static_cast<int8_t>(i);
  std::string text = part.text(), bytes;
  while (text.ends_with('=')) text.pop_back();
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int8_t digit = value[static_cast<unsigned char>(c)];
    if (digit < 0) part.refuse("base64");
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if ((held += 6) < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xFF);
  }
  return bytes;
}

uint32_t little_endian(std::string_view bytes) {
  uint32_t n = 0;
  for (size_t i = 0; i < 4; ++i) n |= uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return n;
}

/// A double array (Aoe 1989; as in the library darts-clone) from texts to places in `texts_`, where the
/// replacement ends with a zero byte.
class Charsmap {
 public:
  explicit Charsmap(const Part& part) {
    const std::string bytes = from_base64(part);
    const size_t size = bytes.size() < 4 ? SIZE_MAX : little_endian(bytes);
    if (size == 0 || size % 4 != 0 || size > bytes.size() - 4)
      part.refuse("SentencePiece's table of characters");
    for (size_t at = 4; at < 4 + size; at += 4)
      units_.push_back(little_endian(std::string_view(bytes).substr(at)));
    texts_ = bytes.substr(4 + size);
    if (valid_utf8(texts_) != texts_) part.refuse("SentencePiece's table of characters in UTF-8");
  }

  /// The replacement of the shortest text of the table at the beginning of `part`: Hugging Face's rule.
  bool find(std::string_view part, std::string_view& replacement) const {
    uint32_t at = offset(units_[0]);
    for (const char c : part) {
      const auto byte = static_cast<unsigned char>(c);
      at ^= byte;
      if (byte == 0 || at >= units_.size() || (units_[at] & (1U << 31 | 0xFF)) != byte) return false;
      const uint32_t unit = units_[at];
      at ^= offset(unit);
      if ((unit >> 8 & 1) == 0) continue;
      if (at >= units_.size()) return false;
      return text_at(units_[at] & 0x7FFFFFFF, replacement);
    }
    return false;
  }

 private:
  static uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1U << 9)) >> 6); }

  bool text_at(size_t begin, std::string_view& replacement) const {
    if (begin > texts_.size() || (begin < texts_.size() && is_continuation(texts_[begin]))) return false;
    const size_t end = std::min(texts_.find('\0', begin), texts_.size());
    replacement = std::string_view(texts_).substr(begin, end - begin);
    return true;
  }

  std::vector<uint32_t> units_;
  std::string texts_;
};

size_t count_characters(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

// Characters that are added come last; characters that are removed count to the last one.
void append_replacement(std::string_view part, std::string_view by, std::vector<Change>& changes) {
  const auto old = static_cast<int32_t>(count_characters(part)),
             now = static_cast<int32_t>(count_characters(by));
  for (size_t at = 0; at < by.size();) changes.push_back({next_character(by, at), 0});
  for (int32_t i = 0; i < now - old; ++i) changes[changes.size() - 1 - static_cast<size_t>(i)].kind = 1;
  if (now < old && !changes.empty()) changes.back().kind += now - old;
}

class Precompiled : public Normalizer {
 public:
  explicit Precompiled(const Part& part) : map_(part) {
    for (size_t c = 0; c < ascii_stays_.size(); ++c) {
      const char byte = static_cast<char>(c);
      std::string_view ignored;
      ascii_stays_[c] = byte != '\r' && !map_.find({&byte, 1}, ignored);
    }
  }

  void normalize(Run& run) const override {
    if (std::all_of(run.bytes.begin(), run.bytes.end(), [this](char c) {
          return static_cast<signed char>(c) >= 0 && ascii_stays_[static_cast<size_t>(c)];
        }))
      return;
    std::vector<Change> changes;
    changes.reserve(run.bytes.size());
    bool changed = false;
    for (size_t at = 0; at < run.bytes.size();) {
      const size_t end = grapheme_end(run.bytes, at);
      changed = normalize(std::string_view(run.bytes).substr(at, end - at), changes) || changed;
      Run::check_growth(run.bytes.size(), changes.size());
      at = end;
    }
    if (changed) run.apply(changes);
  }

 private:
  bool normalize(std::string_view grapheme, std::vector<Change>& changes) const {
    std::string_view by;
    if (grapheme.size() < kLongestGrapheme && map_.find(grapheme, by)) {
      append_replacement(grapheme, by, changes);
      return true;
    }
    bool changed = false;
    for (size_t at = 0; at < grapheme.size();) {
      const size_t begin = at;
      const UChar32 c = next_character(grapheme, at);
      const std::string_view one = grapheme.substr(begin, at - begin);
      if (map_.find(one, by)) {
        append_replacement(one, by, changes);
        changed = true;
      } else {
        changes.push_back({c, 0});
      }
    }
    return changed;
  }

  Charsmap map_;
  std::array<bool, 128> ascii_stays_;
};

}  // namespace

std::unique_ptr<Normalizer> read_charsmap(const Part& part) {
  return std::make_unique<Precompiled>(part.part("precompiled_charsmap"));
}

}  // namespace lodestone::sampler::huggingface
