#include "sampler/tokenizers/huggingface/text.h"

#include <algorithm>

#include "common/error.h"
#include "sampler/tokenizers/huggingface/characters.h"

namespace lodestone::sampler::huggingface {

namespace {

// NFKC's longest decomposition makes 33 bytes of 3.
constexpr size_t kMostGrowth = 64, kAnyText = size_t{1} << 20;

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto length = static_cast<int64_t>(text.size());
  for (int64_t at = 0; at < length;) {
    UChar32 c;
    U8_NEXT_OR_FFFD(text.data(), at, length, c);
    append_character(c, out);
  }
  return out;
}

void Run::check_growth(size_t before, size_t after) {
  if (after > kMostGrowth * before + kAnyText)
    throw DataError("tokenizer: expected normalizers that keep a text's length within " +
                    std::to_string(kMostGrowth) + " times, got " + std::to_string(after) + " bytes of " +
                    std::to_string(before) + "; check the file's normalizer");
}

void Run::apply(std::span<const Change> changes, size_t skipped) {
  std::string out;
  out.reserve(bytes.size());
  if (!placed) {
    for (const Change& change : changes) append_character(change.character, out);
    bytes = std::move(out);
    return;
  }
  std::vector<Origin> from;
  from.reserve(bytes.size());
  size_t at = 0;
  const auto skip = [&] {
    if (at < bytes.size()) at += length_of(bytes[at]);
  };
  for (size_t i = 0; i < skipped; ++i) skip();
  for (const auto& [character, kind] : changes) {
    Origin origin{base, base};
    if (kind > 0 ? at > 0 : !origins.empty())
      origin = origins[kind > 0 ? at - 1 : std::min(at, origins.size() - 1)];
    if (kind <= 0) skip();
    for (int32_t i = 0; i < -kind; ++i) skip();
    from.insert(from.end(), append_character(character, out), origin);
  }
  bytes = std::move(out);
  origins = std::move(from);
}

Piece Text::cut(const Piece& piece, size_t begin, size_t end) const {
  const size_t first = piece.begin + begin;
  return {first, piece.begin + end, -1, placed ? origins[first].begin : 0};
}

void Text::append(const Text& other, size_t begin, size_t end) {
  bytes.append(other.bytes, begin, end - begin);
  if (placed)
    origins.insert(origins.end(), other.origins.begin() + static_cast<std::ptrdiff_t>(begin),
                   other.origins.begin() + static_cast<std::ptrdiff_t>(end));
}

void Text::append(std::string_view more, Origin origin) {
  bytes += more;
  if (placed) origins.insert(origins.end(), more.size(), origin);
}

}  // namespace lodestone::sampler::huggingface
