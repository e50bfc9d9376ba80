#pragma once

#include <memory>
#include <span>
#include <vector>

#include "sampler/tokenizers/huggingface/text.h"
#include "sampler/tokenizers/huggingface/vocabulary.h"

namespace lodestone::sampler::huggingface {

/// A token and the bytes of the piece that it covers.
struct Token {
  int64_t id;
  size_t begin, end;
  size_t piece;  ///< its number in Text::pieces
};

/// Makes tokens of pieces.
/// Threads   const methods are safe concurrently
class Model {
 public:
  explicit Model(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  virtual ~Model() = default;
  /// Appends the tokens of the text's pieces, until there are `most` or more.
  /// Cost      linear in the bytes of the text, and in the length of the longest token
  /// Throws    DataError if a piece is unknown and the file names no token for that
  virtual void tokenize(const Text& text, size_t most, std::vector<Token>& tokens) const = 0;
  /// Whether a token's text is that of the piece, not that of the vocabulary.
  virtual bool keeps_text() const { return false; }

  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  /// Calls `tokenize(text of the piece, number of the piece)` for each piece that is no token yet.
  template <typename Tokenize>
  static void each_piece(const Text& text, size_t most, std::vector<Token>& tokens,
                         const Tokenize& tokenize) {
    for (size_t i = 0; i < text.pieces.size() && tokens.size() < most; ++i) {
      const Piece& piece = text.pieces[i];
      if (piece.id >= 0)
        tokens.push_back({piece.id, 0, piece.end - piece.begin, i});
      else
        tokenize(text.of(piece), i);
    }
  }

 private:
  Vocabulary vocabulary_;
};

struct ModelRow {
  const char* name;  ///< "type" in tokenizer.json
  /// Whether a mapping without "type", as files of early versions have it, is one.
  bool (*is)(const Part& part);
  std::unique_ptr<Model> (*read)(const Part& part);
};

/// All models.
std::span<const ModelRow> model_table();

/// Throws    DataError for a type that is not in the table, or missing or contradictory settings
std::unique_ptr<Model> read_model(const Part& part);

/// Byte pair encoding (Sennrich et al. 2016). Merges are made in the order of their ranks.
std::unique_ptr<Model> read_bpe(const Part& part);
/// The most probable tokens of a unigram language model (Kudo 2018).
std::unique_ptr<Model> read_unigram(const Part& part);
/// The longest tokens from the left (BERT).
std::unique_ptr<Model> read_word_piece(const Part& part);
/// A token for each piece.
std::unique_ptr<Model> read_word_level(const Part& part);

}  // namespace lodestone::sampler::huggingface
