#include <chrono>
#include <mutex>

#include <unicode/regex.h>

#include "common/error.h"
#include "common/printable.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/pattern.h"

namespace lodestone::sampler::huggingface {

namespace {

constexpr size_t kMostCharacters = 1 << 16;
// ICU's own units: 10,000 steps of one match, about a millisecond; bytes of its stack of alternatives.
constexpr int32_t kMostTime = 2000, kMostStack = 64 << 20;
// Matches that are cheap alone, but each of which reads all of the text.
constexpr std::chrono::seconds kMostSeconds{20};
constexpr size_t kMatchesBetweenChecks = 256;

/// The text in UTF-16, and places of both.
class Utf16 {
 public:
  void assign(std::string_view text) {
    text_ = text;
    units_.clear();
    ascii_ = is_ascii(text);
    if (ascii_)
      units_.assign(text.begin(), text.end());
    else
      for (size_t at = 0; at < text.size();) append(next_character(text, at));
    rewind();
  }
  icu::UnicodeString string() const {
    return {false, units_.data(), static_cast<int32_t>(units_.size())};  // shares the memory
  }
  void rewind() { bytes_at_ = units_at_ = 0; }
  /// The byte at which a unit stands. Places are asked for in ascending order.
  size_t byte_of(int32_t unit) {
    if (ascii_) return static_cast<size_t>(unit);
    while (units_at_ < static_cast<size_t>(unit)) {
      const size_t length = length_of(text_[bytes_at_]);
      units_at_ += length == 4 ? 2 : 1;
      bytes_at_ += length;
    }
    return bytes_at_;
  }
  int32_t size() const { return static_cast<int32_t>(units_.size()); }
  int32_t behind_character(int32_t unit) const {
    const bool pair = unit < size() && U16_IS_LEAD(units_[static_cast<size_t>(unit)]);
    return unit + (pair ? 2 : 1);
  }

 private:
  void append(UChar32 c) {
    if (c >= 0x10000) units_ += U16_LEAD(c);
    units_ += c >= 0x10000 ? static_cast<char16_t>(U16_TRAIL(c)) : static_cast<char16_t>(c);
  }

  std::string_view text_;
  std::u16string units_;
  bool ascii_ = true;
  size_t bytes_at_ = 0, units_at_ = 0;
};

/// What one thread needs to match.
struct Matcher {
  std::unique_ptr<icu::RegexMatcher> matcher;
  Utf16 units;
};

class Regex : public Pattern {
 public:
  Regex(const std::string& expression, const std::string& where) : name_(shown(expression, where)) {
    if (expression.size() > kMostCharacters)
      throw DataError("tokenizer: " + where + ": expected a regular expression of at most " +
                      std::to_string(kMostCharacters) + " bytes, got " + std::to_string(expression.size()));
    UErrorCode status = U_ZERO_ERROR;
    UParseError at;
    pattern_.reset(icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(expression),
                                              UREGEX_MULTILINE | UREGEX_UNIX_LINES, at, status));
    if (U_FAILURE(status))
      throw DataError("tokenizer: " + name_ + ": expected a regular expression that ICU understands, got " +
                      u_errorName(status) + " at character " + std::to_string(at.offset));
  }

  void find(std::string_view text, std::vector<Match>& matches) const override {
    if (text.empty()) {
      matches.push_back({});
      return;
    }
    std::unique_ptr<Matcher> own = take();
    own->units.assign(text);
    const icu::UnicodeString units = own->units.string();
    own->matcher->reset(units);
    search(*own, text.size(), matches);
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(own));
  }

 private:
  static std::string shown(const std::string& expression, const std::string& where) {
    return where + " " + printable(expression.substr(0, 100));
  }

  // As the iterator over Oniguruma's matches: an empty match right behind a match does not count.
  void search(Matcher& own, size_t bytes, std::vector<Match>& matches) const {
    const auto end_of_time = std::chrono::steady_clock::now() + kMostSeconds;
    UErrorCode status = U_ZERO_ERROR;
    int32_t from = 0, last = -1;
    size_t done = 0;
    for (size_t n = 1; from <= own.units.size(); ++n) {
      if (!own.matcher->find(from, status) || U_FAILURE(status)) break;
      const int32_t begin = own.matcher->start(status), end = own.matcher->end(status);
      if (begin == end && end == last) {
        from = own.units.behind_character(from);
        continue;
      }
      from = last = end;
      const size_t first = own.units.byte_of(begin), behind = own.units.byte_of(end);
      if (done < first) matches.push_back({done, first, false});
      matches.push_back({first, behind, true});
      done = behind;
      if (n % kMatchesBetweenChecks == 0 && std::chrono::steady_clock::now() > end_of_time)
        status = U_REGEX_TIME_OUT;
    }
    if (U_FAILURE(status))
      throw DataError("tokenizer: " + name_ + ": expected matches in bounded time and memory, got " +
                      u_errorName(status) + " in a text of " + std::to_string(bytes) +
                      " bytes; shorten the text, or use another tokenizer");
    if (done < bytes) matches.push_back({done, bytes, false});
  }

  std::unique_ptr<Matcher> take() const {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Matcher> one = std::move(idle_.back());
        idle_.pop_back();
        return one;
      }
    }
    UErrorCode status = U_ZERO_ERROR;
    auto made = std::make_unique<Matcher>();
    made->matcher.reset(pattern_->matcher(status));
    if (U_SUCCESS(status)) made->matcher->setTimeLimit(kMostTime, status);
    if (U_SUCCESS(status)) made->matcher->setStackLimit(kMostStack, status);
    if (U_FAILURE(status)) throw Error("tokenizer: " + name_ + ": ICU failed: " + u_errorName(status));
    return made;
  }

  std::string name_;
  std::unique_ptr<icu::RegexPattern> pattern_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Matcher>> idle_;
};

}  // namespace

std::unique_ptr<Pattern> compile_regex(const std::string& expression, const std::string& where) {
  return std::make_unique<Regex>(expression, where);
}

}  // namespace lodestone::sampler::huggingface
