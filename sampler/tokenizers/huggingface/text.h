#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unicode/umachine.h>

namespace lodestone::sampler::huggingface {

/// The bytes of the original text that a byte of the processed text comes from.
struct Origin {
  uint32_t begin = 0, end = 0;
};

/// A character of a changed text, and how it is aligned with the text before the change: 0 takes the place of
/// the next character, 1 is inserted, -n takes the place of the next character and removes n behind it.
struct Change {
  UChar32 character;
  int32_t kind;
};

/// A part of the text while normalizers change it.
struct Run {
  std::string bytes;            ///< valid UTF-8
  std::vector<Origin> origins;  ///< of each byte, if placed
  bool placed = false;          ///< whether origins are kept
  uint32_t base = 0;            ///< where the part begins in the original text

  /// Replaces the text. `skipped`: characters at the beginning that are removed.
  void apply(std::span<const Change> changes, size_t skipped = 0);
  /// Throws    DataError if a normalizer makes the text many times longer than any real one does
  static void check_growth(size_t before, size_t after);
};

/// A part of the text: a token that is known already, or text that is still to be cut.
struct Piece {
  size_t begin = 0, end = 0;  ///< bytes of the text
  int64_t id = -1;            ///< the token, or -1
  uint32_t base = 0;          ///< as Run::base
};

/// The normalized text and how it is cut.
struct Text {
  std::string bytes;
  std::vector<Origin> origins;
  bool placed = false;
  std::vector<Piece> pieces;  ///< in order, none empty

  std::string_view of(const Piece& piece) const {
    return std::string_view(bytes).substr(piece.begin, piece.end - piece.begin);
  }
  /// Bytes [begin, end) of a piece as a piece of its own.
  Piece cut(const Piece& piece, size_t begin, size_t end) const;
  void append(const Text& other, size_t begin, size_t end);
  void append(std::string_view more, Origin origin);
};

/// Replaces every piece that is no token by what `write(piece, out)` appends to `out`.
template <typename Write>
void rewrite(Text& text, const Write& write) {
  Text out;
  out.placed = text.placed;
  out.bytes.reserve(text.bytes.size() + text.bytes.size() / 2);
  out.pieces.reserve(text.pieces.size());
  for (const Piece& piece : text.pieces) {
    const size_t begin = out.bytes.size();
    if (piece.id >= 0)
      out.append(text, piece.begin, piece.end);
    else
      write(piece, out);
    out.pieces.push_back({begin, out.bytes.size(), piece.id, piece.base});
  }
  text = std::move(out);
}

}  // namespace lodestone::sampler::huggingface
