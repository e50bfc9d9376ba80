#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/fields.h"
#include "sampler/tokenizers/piece_ids.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone::sampler {

inline constexpr Choice<PieceIds> kPieceIds[] = {{"auto", PieceIds::kAuto},
                                                 {"sentencepiece", PieceIds::kSentencePiece},
                                                 {"xlm_roberta", PieceIds::kXlmRoberta},
                                                 {"camembert", PieceIds::kCamembert},
                                                 {"mbart", PieceIds::kMbart}};

/// Selects the tokenizer and the number of tokens read from a text.
struct TokenizerConfig {
  std::string path;
  std::string kind = "auto";  ///< a row of tokenizer_table(), or auto
  bool lower_case = true;
  AutoYesNo strip_accents = AutoYesNo::kAuto;
  PieceIds ids = PieceIds::kAuto;
  bool read_special_tokens = false;
  int64_t max_tokens = 128;

  void visit(Fields& f);
};

/// What a vocabulary is trained with.
struct TokenizerTraining {
  int64_t vocabulary = 30000;                        ///< most tokens
  bool cased = false;                                ///< keeps capital letters and accents
  std::function<std::optional<std::string>()> next;  ///< returns the texts, then nothing
};

struct TrainedTokenizer {
  std::string file;  ///< its bytes
  int64_t tokens;
};

/// A row of the table of tokenizers.
struct TokenizerRow {
  const char* name;
  const char* doc;
  /// Whether kind: auto selects this row for a file of this name. Null: for every name that no other row has.
  bool (*named)(const std::string& path);
  /// Whether lower_case, strip_accents and `tokenizer train --cased` have an effect; if not, the file has
  /// rules of its own.
  bool has_case;
  bool has_special_tokens;  ///< whether read_special_tokens has an effect
  std::shared_ptr<const Tokenizer> (*open)(const TokenizerConfig& config);
  /// Null if such files are not made here.
  /// Throws    ConfigError, DataError, as train_wordpiece.h and train_sentencepiece.h say
  TrainedTokenizer (*train)(const TokenizerTraining& training);
};

/// All tokenizers. sampler/tokenizers/table.cpp has one row for each.
std::span<const TokenizerRow> tokenizer_table();

/// The row that `kind` names, or, with auto, the name of the file.
/// Throws    ConfigError for a name that is not in the table
const TokenizerRow& tokenizer_row(const TokenizerConfig& config);

/// Opens the vocabulary or model at `path`.
/// Throws    ConfigError if there is no path or a setting belongs to another kind of tokenizer; what the
///           tokenizers throw
std::shared_ptr<const Tokenizer> open_tokenizer(const TokenizerConfig& config);

}  // namespace lodestone::sampler
