#include "sampler/tokenizers/huggingface/pre_tokenizers.h"

#include "sampler/tokenizers/huggingface/byte_level.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/pattern.h"

namespace lodestone::sampler::huggingface {

namespace {

using Cut = std::unique_ptr<PreTokenizer>;

/// Cuts each piece at what `find(text, matches)` finds.
template <typename Find>
class Cutter : public PreTokenizer {
 public:
  Cutter(Find find, Behavior behavior, bool invert)
      : find_(std::move(find)), behavior_(behavior), invert_(invert) {}

  void cut(Text& text) const override {
    std::vector<Piece> pieces;
    std::vector<Match> parts;
    for (const Piece& piece : text.pieces) {
      if (piece.id >= 0) {
        pieces.push_back(piece);
        continue;
      }
      parts.clear();
      find_(text.of(piece), parts);
      if (invert_)
        for (Match& part : parts) part.found = !part.found;
      arrange(parts, behavior_);
      for (const Match& part : parts)
        if (!part.found && part.begin < part.end) pieces.push_back(text.cut(piece, part.begin, part.end));
    }
    text.pieces = std::move(pieces);
  }

 private:
  Find find_;
  Behavior behavior_;
  bool invert_;
};

template <typename Find>
Cut cutter(Find find, Behavior behavior, bool invert = false) {
  return std::make_unique<Cutter<Find>>(std::move(find), behavior, invert);
}

/// Matches are the characters for which `Is` holds.
template <bool (*Is)(UChar32)>
void find_characters(std::string_view text, std::vector<Match>& matches) {
  size_t last = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    if (!Is(next_character(text, at))) continue;
    if (last < begin) matches.push_back({last, begin, false});
    matches.push_back({begin, at, true});
    last = at;
  }
  if (last < text.size()) matches.push_back({last, text.size(), false});
}

// \w+|[^\w\s]+
void find_words(std::string_view text, std::vector<Match>& matches) {
  const auto kind = [&text](size_t& at) {
    const UChar32 c = next_character(text, at);
    return is_word(c) ? 1 : is_white(c) ? 0 : 2;
  };
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    const int first = kind(end);
    for (size_t behind = end; end < text.size() && kind(behind) == first;) end = behind;
    matches.push_back({begin, end, first != 0});
    begin = end;
  }
}

class Sequence : public PreTokenizer {
 public:
  explicit Sequence(std::vector<Cut> all) : all_(std::move(all)) {}
  void cut(Text& text) const override {
    for (const Cut& one : all_) one->cut(text);
  }
  bool needs_places() const override {
    return std::any_of(all_.begin(), all_.end(), [](const Cut& one) { return one->needs_places(); });
  }

 private:
  std::vector<Cut> all_;
};

Cut read_sequence(const Part& part) {
  std::vector<Cut> all;
  for (const Part& one : part.parts("pretokenizers")) all.push_back(read_pre_tokenizer(one));
  return std::make_unique<Sequence>(std::move(all));
}

Cut read_whitespace_split(const Part&) {
  return cutter(find_characters<is_white>, Behavior::kRemoved);
}

Cut read_bert(const Part&) {
  std::vector<Cut> both;
  both.push_back(cutter(find_characters<is_white>, Behavior::kRemoved));
  both.push_back(cutter(find_characters<is_punctuation>, Behavior::kIsolated));
  return std::make_unique<Sequence>(std::move(both));
}

Cut read_whitespace(const Part&) {
  return cutter(find_words, Behavior::kRemoved, true);
}

Cut read_punctuation(const Part& part) {
  const Behavior behavior = part.has("behavior") ? read_behavior(part.part("behavior")) : Behavior::kIsolated;
  return cutter(find_characters<is_punctuation>, behavior);
}

Cut read_digits(const Part& part) {
  return cutter(find_characters<is_number>,
                part.part("individual_digits").yes() ? Behavior::kIsolated : Behavior::kContiguous);
}

Cut read_split(const Part& part) {
  const std::shared_ptr<const Pattern> pattern = read_pattern(part.part("pattern"));
  return cutter(
      [pattern](std::string_view text, std::vector<Match>& matches) { pattern->find(text, matches); },
      read_behavior(part.part("behavior")), part.part("invert").yes());
}

// The bytes of one character.
std::string character_of(const Part& part) {
  std::string one = part.text();
  if (one.empty() || length_of(one[0]) != one.size()) part.refuse("one character");
  return one;
}

Cut read_delimiter(const Part& part) {
  return cutter(
      [one = character_of(part.part("delimiter"))](std::string_view text, std::vector<Match>& matches) {
        size_t last = 0;
        for (size_t at; (at = text.find(one, last)) != std::string_view::npos; last = at + one.size()) {
          matches.push_back({last, at, false});
          matches.push_back({at, at + one.size(), true});
        }
        matches.push_back({last, text.size(), false});
      },
      Behavior::kRemoved);
}

/// Spaces become a visible character, which also begins the text, or each piece.
class Metaspace : public PreTokenizer {
 public:
  enum class Prepend { kAlways, kFirst, kNever };
  Metaspace(std::string space, Prepend prepend, bool splits)
      : space_(std::move(space)), prepend_(prepend), splits_(splits) {}

  void cut(Text& text) const override {
    rewrite(text, [&](const Piece& piece, Text& out) {
      const std::string_view old = text.of(piece);
      const bool begins = old[0] == ' ' || old.starts_with(space_);
      const auto origin = [&](size_t i) { return text.placed ? text.origins[piece.begin + i] : Origin{}; };
      if (!begins && (prepend_ == Prepend::kAlways || (prepend_ == Prepend::kFirst && piece.base == 0)))
        out.append(space_, origin(0));
      for (size_t at = 0; at < old.size();) {
        const size_t space = std::min(old.find(' ', at), old.size());
        out.append(text, piece.begin + at, piece.begin + space);
        if (space < old.size()) out.append(space_, origin(space));
        at = space + 1;
      }
    });
    if (splits_) split(text);
  }
  bool needs_places() const override { return prepend_ == Prepend::kFirst; }

 private:
  void split(Text& text) const {
    std::vector<Piece> pieces;
    for (const Piece& piece : text.pieces) {
      if (piece.id >= 0) {
        pieces.push_back(piece);
        continue;
      }
      const std::string_view whole = text.of(piece);
      for (size_t begin = 0; begin < whole.size();) {
        const size_t end = std::min(whole.find(space_, begin + 1), whole.size());
        pieces.push_back(text.cut(piece, begin, end));
        begin = end;
      }
    }
    text.pieces = std::move(pieces);
  }

  std::string space_;
  Prepend prepend_;
  bool splits_;
};

Cut read_metaspace(const Part& part) {
  const std::string scheme = part.text_or("prepend_scheme", "always");
  auto prepend = scheme == "always"  ? Metaspace::Prepend::kAlways
                 : scheme == "first" ? Metaspace::Prepend::kFirst
                                     : Metaspace::Prepend::kNever;
  if (prepend == Metaspace::Prepend::kNever && scheme != "never")
    part.part("prepend_scheme").refuse("always, first or never");
  if (!part.yes_or("add_prefix_space", true)) {
    if (part.has("prepend_scheme") && scheme != "never")
      part.part("add_prefix_space").refuse("the same as prepend_scheme, which is " + scheme);
    prepend = Metaspace::Prepend::kNever;
  }
  return std::make_unique<Metaspace>(character_of(part.part("replacement")), prepend,
                                     part.yes_or("split", true));
}

/// Bytes as characters, after a cut into GPT-2's words.
class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool prefix_space, bool words) : prefix_space_(prefix_space) {
    if (words) words_ = cutter(find_gpt2_words, Behavior::kIsolated);
  }

  void cut(Text& text) const override {
    if (prefix_space_)
      rewrite(text, [&](const Piece& piece, Text& out) {
        if (text.bytes[piece.begin] != ' ')
          out.append(" ", text.placed ? text.origins[piece.begin] : Origin{});
        out.append(text, piece.begin, piece.end);
      });
    if (words_ != nullptr) words_->cut(text);
    rewrite(text, [&](const Piece& piece, Text& out) {
      for (size_t i = piece.begin; i < piece.end; ++i) {
        const size_t length = append_byte(text.bytes[i], out.bytes);
        if (text.placed) out.origins.insert(out.origins.end(), length, text.origins[i]);
      }
    });
  }

 private:
  bool prefix_space_;
  Cut words_;
};

Cut read_byte_level(const Part& part) {
  return std::make_unique<ByteLevel>(part.part("add_prefix_space").yes(), part.yes_or("use_regex", true));
}

}  // namespace

std::span<const PreTokenizerRow> pre_tokenizer_table() {
  static constexpr PreTokenizerRow kRows[] = {
      {.name = "Sequence", .read = read_sequence},
      {.name = "BertPreTokenizer", .read = read_bert},
      {.name = "Whitespace", .read = read_whitespace},
      {.name = "WhitespaceSplit", .read = read_whitespace_split},
      {.name = "ByteLevel", .read = read_byte_level},
      {.name = "Split", .read = read_split},
      {.name = "Punctuation", .read = read_punctuation},
      {.name = "Digits", .read = read_digits},
      {.name = "Metaspace", .read = read_metaspace},
      {.name = "CharDelimiterSplit", .read = read_delimiter},
  };
  return kRows;
}

std::unique_ptr<PreTokenizer> read_pre_tokenizer(const Part& part) {
  return row_of(part, pre_tokenizer_table()).read(part);
}

}  // namespace lodestone::sampler::huggingface
