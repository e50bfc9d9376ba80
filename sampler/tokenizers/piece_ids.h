#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lodestone::sampler {

/// How a model's pieces are numbered.
enum class PieceIds {
  kAuto,           ///< what files beside the model say, else kSentencePiece; in doubt a ConfigError
  kSentencePiece,  ///< position in the model
  // As in Hugging Face's models, with special tokens that the SentencePiece model does not have:
  kXlmRoberta,  ///< <s> 0, <pad> 1, </s> 2, <unk> 3, each piece's position + 1, <mask> last
  kCamembert,   ///< <pad> 1, <unk> 3, each piece's position + 4 (<s> 5, </s> 6), <mask> last
  kMbart,       ///< as kXlmRoberta, with 25 languages before <mask>
};

/// The ids of a family whose models begin with the pieces <unk>, <s>, </s>.
class PieceNumbers {
 public:
  /// `ids`: other than kAuto and kSentencePiece. `language`: of mBART's texts, such as en_XX.
  /// Throws    ConfigError if mBART does not have the language
  PieceNumbers(PieceIds ids, int64_t pieces, const std::string& language);

  int64_t id(int64_t piece) const { return piece == 0 ? kUnknown : piece + offset_; }
  const std::vector<int64_t>& before() const { return before_; }  ///< ids around a text
  const std::vector<int64_t>& after() const { return after_; }
  int64_t count() const { return pieces_ + offset_ + static_cast<int64_t>(last_.size()); }
  static constexpr int64_t kPadding = 1;

  /// The position of an id's piece, or -1 if `name(id)` is a special token.
  int64_t piece(int64_t id) const;
  std::string name(int64_t id) const;

 private:
  static constexpr int64_t kUnknown = 3;
  int64_t pieces_, offset_;
  std::vector<std::string> first_, last_;  // special tokens before and behind the pieces
  std::vector<int64_t> before_, after_;
};

}  // namespace lodestone::sampler
