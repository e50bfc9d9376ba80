#include <unicode/normalizer2.h>

#include "common/error.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/normalizers.h"

namespace lodestone::sampler::huggingface {

namespace {

/// ICU's tables of a form.
struct Tables {
  const icu::Normalizer2 *decomposes, *composes;  // composes: null for NFD and NFKD
  const icu::Normalizer2* canonical;              // pairs are composed canonically in NFKC, too
};

Tables tables_of(Form form) {
  UErrorCode status = U_ZERO_ERROR;
  const bool canonical = form == Form::kNfc || form == Form::kNfd;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  const icu::Normalizer2* composed = canonical ? nfc : icu::Normalizer2::getNFKCInstance(status);
  const icu::Normalizer2* decomposed =
      canonical ? icu::Normalizer2::getNFDInstance(status) : icu::Normalizer2::getNFKDInstance(status);
  if (U_FAILURE(status)) throw Error(std::string("tokenizer: ICU has no normalizer: ") + u_errorName(status));
  return {decomposed, form == Form::kNfc || form == Form::kNfkc ? composed : nullptr, nfc};
}

struct Character {
  Change change;
  uint8_t order;  // its combining class
};

// All characters decomposed, and marks in their canonical order. The first of a decomposition takes the place
// of its character, the others are inserted.
std::vector<Character> decompose(const Run& run, const Tables& tables) {
  std::vector<Character> all;
  all.reserve(run.bytes.size());
  icu::UnicodeString parts;
  size_t marks = 0;  // where the marks behind the last starter begin
  const auto sort_marks = [&] {
    std::stable_sort(all.begin() + static_cast<std::ptrdiff_t>(marks), all.end(),
                     [](const Character& a, const Character& b) { return a.order < b.order; });
  };
  const auto add = [&](UChar32 c, int32_t kind) {
    const uint8_t order = tables.canonical->getCombiningClass(c);
    if (order == 0) sort_marks();
    all.push_back({{c, kind}, order});
    if (order == 0) marks = all.size();
  };
  for (size_t at = 0; at < run.bytes.size();) {
    const UChar32 c = next_character(run.bytes, at);
    if (c < 0xA0 || !tables.decomposes->getDecomposition(c, parts)) {
      add(c, 0);
      continue;
    }
    for (int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) add(parts.char32At(i), i > 0);
  }
  sort_marks();
  return all;
}

// Unicode's canonical composition. A composed pair takes the places of both.
std::vector<Change> compose(const std::vector<Character>& all, const Tables& tables) {
  std::vector<Change> out;
  out.reserve(all.size());
  constexpr size_t kNone = SIZE_MAX;
  size_t starter = kNone;
  int last = -1;  // combining class of the last character behind the starter that was not composed
  for (const auto& [change, order] : all) {
    if (starter != kNone && last < order) {
      const UChar32 pair = tables.canonical->composePair(out[starter].character, change.character);
      if (pair >= 0) {
        out[starter] = {pair, out[starter].kind + change.kind - 1};
        continue;
      }
    }
    if (order == 0) {
      starter = out.size();
      last = -1;
    } else {
      last = order;
    }
    out.push_back(change);
  }
  return out;
}

}  // namespace

void normalize_form(Run& run, Form form) {
  if (is_ascii(run.bytes)) return;
  const Tables tables = tables_of(form);
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* whole = tables.composes != nullptr ? tables.composes : tables.decomposes;
  const icu::StringPiece piece(run.bytes.data(), static_cast<int32_t>(run.bytes.size()));
  if (whole->isNormalizedUTF8(piece, status) && U_SUCCESS(status)) return;
  const std::vector<Character> characters = decompose(run, tables);
  if (tables.composes != nullptr) {
    run.apply(compose(characters, tables));
    return;
  }
  std::vector<Change> changes;
  changes.reserve(characters.size());
  for (const Character& one : characters) changes.push_back(one.change);
  run.apply(changes);
}

}  // namespace lodestone::sampler::huggingface
