#include "sampler/tokenizers/huggingface/normalizers.h"

#include "sampler/tokenizers/huggingface/byte_level.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/pattern.h"

namespace lodestone::sampler::huggingface {

namespace {

using Normal = std::unique_ptr<Normalizer>;

template <typename Function>
class FunctionNormalizer : public Normalizer {
 public:
  explicit FunctionNormalizer(Function function) : function_(std::move(function)) {}
  void normalize(Run& run) const override { function_(run); }

 private:
  Function function_;
};

template <typename Function>
Normal normalizer(Function function) {
  return std::make_unique<FunctionNormalizer<Function>>(std::move(function));
}

template <Form form>
Normal read_form(const Part&) {
  return normalizer([](Run& run) { normalize_form(run, form); });
}

// Removes characters. A removed one counts to the kept one before it.
template <typename Keep>
void filter(Run& run, const Keep& keep) {
  std::vector<Change> changes;
  changes.reserve(run.bytes.size());
  size_t skipped = 0;
  bool all = true;
  for (size_t at = 0; at < run.bytes.size();) {
    const UChar32 c = next_character(run.bytes, at);
    if (keep(c)) {
      changes.push_back({c, 0});
      continue;
    }
    all = false;
    if (changes.empty())
      ++skipped;
    else
      --changes.back().kind;
  }
  if (!all) run.apply(changes, skipped);
}

// Replaces each character by one.
template <typename Map>
void map(Run& run, const Map& to) {
  if (is_ascii(run.bytes)) {
    bool stays = true;
    for (char& c : run.bytes) {
      const UChar32 now = to(static_cast<UChar32>(c));
      stays = stays && now < 0x80;
      if (now < 0x80) c = static_cast<char>(now);
    }
    if (stays) return;
  }
  std::vector<Change> changes;
  changes.reserve(run.bytes.size());
  for (size_t at = 0; at < run.bytes.size();) changes.push_back({to(next_character(run.bytes, at)), 0});
  run.apply(changes);
}

// Letter by letter. Only U+0130 has a lower case of two characters: i and a dot above.
void lower(Run& run) {
  if (is_ascii(run.bytes)) {
    for (char& c : run.bytes)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return;
  }
  std::vector<Change> changes;
  changes.reserve(run.bytes.size());
  for (size_t at = 0; at < run.bytes.size();) {
    const UChar32 c = next_character(run.bytes, at);
    changes.push_back({c == 0x130 ? 'i' : u_tolower(c), 0});
    if (c == 0x130) changes.push_back({0x307, 1});
  }
  run.apply(changes);
}

Normal read_lowercase(const Part&) {
  return normalizer(lower);
}

Normal read_strip_accents(const Part&) {
  return normalizer([](Run& run) {
    if (!is_ascii(run.bytes)) filter(run, [](UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_M_MASK) == 0; });
  });
}

Normal read_strip(const Part& part) {
  const bool left = part.part("strip_left").yes(), right = part.part("strip_right").yes();
  return normalizer([left, right](Run& run) {
    std::vector<UChar32> all;
    for (size_t at = 0; at < run.bytes.size();) all.push_back(next_character(run.bytes, at));
    size_t begin = 0, end = all.size();
    while (left && begin < end && is_white(all[begin])) ++begin;
    while (right && end > begin && is_white(all[end - 1])) --end;
    if (begin == 0 && end == all.size()) return;
    std::vector<Change> kept;
    for (size_t i = begin; i < end; ++i) kept.push_back({all[i], 0});
    run.apply(kept, begin);
  });
}

// The blocks that BERT's authors chose.
bool is_chinese(UChar32 c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_kept(UChar32 c) {
  if (c < 0x80) return (c >= 32 && c != 127) || c == '\t' || c == '\n' || c == '\r';
  return c != 0xFFFD && (U_GET_GC_MASK(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) == 0;
}

void space_chinese(Run& run) {
  std::vector<Change> changes;
  changes.reserve(run.bytes.size());
  for (size_t at = 0; at < run.bytes.size();) {
    const UChar32 c = next_character(run.bytes, at);
    if (is_chinese(c))
      changes.insert(changes.end(), {{' ', 0}, {c, 1}, {' ', 1}});
    else
      changes.push_back({c, 0});
  }
  run.apply(changes);
}

Normal read_bert(const Part& part) {
  const bool clean = part.yes_or("clean_text", true), chinese = part.yes_or("handle_chinese_chars", true);
  const bool lowers = part.yes_or("lowercase", true), strip = part.yes_or("strip_accents", lowers);
  return normalizer([=](Run& run) {
    if (clean) {
      filter(run, is_kept);
      map(run, [](UChar32 c) { return is_white(c) ? ' ' : c; });
    }
    const bool ascii = is_ascii(run.bytes);
    if (chinese && !ascii) space_chinese(run);
    if (strip && !ascii) {
      normalize_form(run, Form::kNfd);
      filter(run, [](UChar32 c) { return u_charType(c) != U_NON_SPACING_MARK; });
    }
    if (lowers) lower(run);
  });
}

Normal read_nmt(const Part&) {
  return normalizer([](Run& run) {
    filter(run, [](UChar32 c) {
      return !((c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F ||
               c == 0x9F);
    });
    map(run, [](UChar32 c) {
      const bool blank = c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
                         (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                         c == 0xFEFF || c == 0xFFFD;
      return blank ? ' ' : c;
    });
  });
}

// A replacement is aligned with the last character that it replaces.
void replace(Run& run, const Pattern& pattern, const std::string& content) {
  std::vector<Match> matches;
  pattern.find(run.bytes, matches);
  size_t size = 0;
  for (const Match& match : matches) size += match.found ? content.size() : match.end - match.begin;
  Run::check_growth(run.bytes.size(), size);
  Run out;
  out.bytes.reserve(size);
  for (const auto& [begin, end, found] : matches) {
    if (found)
      out.bytes += content;
    else
      out.bytes.append(run.bytes, begin, end - begin);
    if (!run.placed) continue;
    if (found)
      out.origins.insert(out.origins.end(), content.size(),
                         end > 0 ? run.origins[end - 1] : Origin{run.base, run.base});
    else
      out.origins.insert(out.origins.end(), run.origins.begin() + static_cast<std::ptrdiff_t>(begin),
                         run.origins.begin() + static_cast<std::ptrdiff_t>(end));
  }
  run.bytes = std::move(out.bytes);
  run.origins = std::move(out.origins);
}

Normal read_replace(const Part& part) {
  const std::shared_ptr<const Pattern> pattern = read_pattern(part.part("pattern"));
  return normalizer([pattern, content = part.part("content").text()](Run& run) {
    if (!run.bytes.empty()) replace(run, *pattern, content);
  });
}

Normal read_prepend(const Part& part) {
  return normalizer([text = part.part("prepend").text()](Run& run) {
    if (run.bytes.empty()) return;
    Run::check_growth(run.bytes.size(), run.bytes.size() + text.size());
    run.bytes.insert(0, text);
    if (run.placed) run.origins.insert(run.origins.begin(), text.size(), run.origins[0]);
  });
}

Normal read_byte_level(const Part&) {
  return normalizer([](Run& run) {
    Run out;
    for (size_t i = 0; i < run.bytes.size(); ++i) {
      const size_t length = append_byte(run.bytes[i], out.bytes);
      if (run.placed) out.origins.insert(out.origins.end(), length, run.origins[i]);
    }
    run.bytes = std::move(out.bytes);
    run.origins = std::move(out.origins);
  });
}

Normal read_sequence(const Part& part) {
  std::vector<std::shared_ptr<const Normalizer>> all;
  for (const Part& one : part.parts("normalizers")) all.push_back(read_normalizer(one));
  return normalizer([all](Run& run) {
    const size_t before = run.bytes.size();
    for (const auto& one : all) {
      one->normalize(run);
      Run::check_growth(before, run.bytes.size());
    }
  });
}

}  // namespace

std::span<const NormalizerRow> normalizer_table() {
  static constexpr NormalizerRow kRows[] = {
      {.name = "Sequence", .read = read_sequence},
      {.name = "NFC", .read = read_form<Form::kNfc>},
      {.name = "NFD", .read = read_form<Form::kNfd>},
      {.name = "NFKC", .read = read_form<Form::kNfkc>},
      {.name = "NFKD", .read = read_form<Form::kNfkd>},
      {.name = "Lowercase", .read = read_lowercase},
      {.name = "StripAccents", .read = read_strip_accents},
      {.name = "Strip", .read = read_strip},
      {.name = "BertNormalizer", .read = read_bert},
      {.name = "Replace", .read = read_replace},
      {.name = "Prepend", .read = read_prepend},
      {.name = "Precompiled", .read = read_charsmap},
      {.name = "Nmt", .read = read_nmt},
      {.name = "ByteLevel", .read = read_byte_level},
  };
  return kRows;
}

std::unique_ptr<Normalizer> read_normalizer(const Part& part) {
  return row_of(part, normalizer_table()).read(part);
}

}  // namespace lodestone::sampler::huggingface
