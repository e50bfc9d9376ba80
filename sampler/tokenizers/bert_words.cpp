#include "sampler/tokenizers/bert_words.h"

#include <cstdint>
#include <string>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "common/error.h"

namespace lodestone::sampler {

namespace {

constexpr UChar32 kReplacement = 0xFFFD;
constexpr UChar32 kBigDottedI = 0x130;

// The blocks that BERT's authors chose; kana, Hangul and the later extensions are not among them.
bool is_chinese(UChar32 c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool vanishes(UChar32 c) {
  if (c < 0x80) return (c < 32 && c != '\t' && c != '\n' && c != '\r') || c == 127;
  return c == kReplacement || (U_GET_GC_MASK(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
}

bool is_space(UChar32 c) {
  return c <= ' ' || (c >= 0x80 && u_isUWhiteSpace(c));
}

bool is_punctuation(UChar32 c) {
  if (c < 0x80)
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  return u_ispunct(c) != 0;
}

void append(UChar32 c, std::string& out) {
  char bytes[U8_MAX_LENGTH];
  int32_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, c);
  out.append(bytes, static_cast<size_t>(length));
}

/// Collects characters into words.
class Splitter {
 public:
  Splitter(const BertText& how, const std::function<bool(std::string_view)>& visit)
      : how_(how), visit_(visit) {}

  /// False once `visit` has returned false.
  bool add(UChar32 c) {
    if (is_chinese(c)) return end_run() && add_to_run(c) && end_run();
    return add_to_run(c);
  }

  /// White space, or the end of the text.
  bool end_run() {
    if (run_.empty()) return true;
    if (!ascii_) canonical();
    const bool more = split();
    run_.clear();
    ascii_ = true;
    return more;
  }

 private:
  bool add_to_run(UChar32 c) {
    ascii_ = ascii_ && c < 0x80;
    append(c, run_);
    return true;
  }

  // Canonical decomposition without accents. White space bounds it: no combining mark moves across a space.
  void canonical() {
    if (!how_.strip_accents) return;
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
    std::string decomposed;
    icu::StringByteSink<std::string> sink(&decomposed);
    if (U_SUCCESS(status)) nfd->normalizeUTF8(0, run_, sink, nullptr, status);
    if (U_FAILURE(status))
      throw Error(std::string("tokenizer: ICU cannot decompose text: ") + u_errorName(status));
    run_.clear();
    const auto length = static_cast<int32_t>(decomposed.size());
    for (int32_t at = 0; at < length;) {
      UChar32 c;
      U8_NEXT_UNSAFE(decomposed.data(), at, c);
      if (u_charType(c) != U_NON_SPACING_MARK) append(c, run_);
    }
  }

  bool split() {
    const auto length = static_cast<int32_t>(run_.size());
    word_.clear();
    for (int32_t at = 0; at < length;) {
      UChar32 c;
      U8_NEXT_UNSAFE(run_.data(), at, c);
      if (how_.lower_case) c = lower(c);
      if (is_punctuation(c)) {
        if (!end_word()) return false;
        append(c, word_);
        if (!end_word()) return false;
      } else {
        append(c, word_);
      }
    }
    return end_word();
  }

  // The only letter whose lower case has two characters: i and a dot above.
  UChar32 lower(UChar32 c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c != kBigDottedI) return u_tolower(c);
    append('i', word_);
    return 0x307;
  }

  bool end_word() {
    const bool more = word_.empty() || visit_(word_);
    word_.clear();
    return more;
  }

  const BertText& how_;
  const std::function<bool(std::string_view)>& visit_;
  std::string run_;  // between white space
  std::string word_;
  bool ascii_ = true;
};

}  // namespace

void for_each_bert_word(std::string_view text, const BertText& how,
                        const std::function<bool(std::string_view)>& visit) {
  Splitter splitter(how, visit);
  const auto length = static_cast<int64_t>(text.size());
  for (int64_t at = 0; at < length;) {
    UChar32 c;
    U8_NEXT_OR_FFFD(text.data(), at, length, c);
    if (vanishes(c)) continue;
    if (!(is_space(c) ? splitter.end_run() : splitter.add(c))) return;
  }
  splitter.end_run();
}

}  // namespace lodestone::sampler
