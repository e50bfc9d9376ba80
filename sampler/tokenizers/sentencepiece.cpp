#include "sampler/tokenizers/sentencepiece.h"

#include <algorithm>
#include <optional>

#include <sentencepiece_processor.h>

#include "common/error.h"
#include "common/files.h"
#include "common/printable.h"
#include "sampler/tokenizers/tokenizer_family.h"

namespace lodestone::sampler {

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;

// The library's time grows with the square of a run of unknown characters. So it gets only as much of a text
// as fits: a token is shorter than this, except for such runs and for white space.
constexpr size_t kBytesOfToken = 64;
constexpr size_t kMinBytes = size_t{64} << 10;

std::string_view beginning_of(std::string_view text, int64_t max_tokens) {
  const size_t most = std::max(kMinBytes, kBytesOfToken * static_cast<size_t>(max_tokens));
  if (text.size() <= most) return text;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // inside a character
  return text.substr(0, end);
}

using Processor = sentencepiece::SentencePieceProcessor;

/// XLM-R's numbering of pieces (fairseq's, and so Hugging Face's): four special tokens come first and <mask>
/// last.
class XlmRobertaIds {
 public:
  static constexpr int64_t kBegin = 0, kPadding = 1, kEnd = 2, kUnknown = 3;

  explicit XlmRobertaIds(int64_t pieces) : pieces_(pieces) {}
  int64_t count() const { return pieces_ + 2; }  // plus <pad> and <mask>
  static int64_t id(int64_t piece) { return piece == 0 ? kUnknown : piece + 1; }
  std::string token(const Processor& processor, int64_t id) const {
    constexpr const char* kMarks[] = {"<s>", "<pad>", "</s>", "<unk>"};
    if (id < 4) return kMarks[id];
    return id == count() - 1 ? "<mask>" : processor.IdToPiece(static_cast<int>(id - 1));
  }

 private:
  int64_t pieces_;
};

constexpr const char* kChoices =
    "set data.text.tokenizer.ids to xlm_roberta for a model with XLM-R's weights, or to sentencepiece for "
    "one that was trained on "
    "the SentencePiece model's own ids";

class SentencePiece : public Tokenizer {
 public:
  SentencePiece(const std::string& path, PieceIds ids) {
    open(path);
    if (ids == PieceIds::kAuto) check_beyond_doubt(path);
    if (ids != PieceIds::kXlmRoberta) return;
    if (!begins_as_xlm_roberta())
      throw ConfigError(
          "data.text.tokenizer.ids: expected for xlm_roberta a model whose first pieces are <unk>, <s>, "
          "</s>, "
          "got " +
          path + " with " + first_pieces() + "; use XLM-R's own model, or ids: sentencepiece");
    xlm_roberta_.emplace(processor_.GetPieceSize());
  }

  std::vector<int64_t> encode(std::string_view text, int64_t max_tokens) const override {
    std::vector<int> pieces;
    const auto status = processor_.Encode(beginning_of(text, max_tokens), &pieces);
    if (!status.ok()) throw DataError("tokenizer: SentencePiece cannot split a text: " + status.ToString());
    const auto room = static_cast<size_t>(max_tokens) - (has_begin() ? 1 : 0) - (has_end() ? 1 : 0);
    if (pieces.size() > room) pieces.resize(room);
    std::vector<int64_t> ids;
    ids.reserve(pieces.size() + 2);
    if (has_begin()) ids.push_back(id(processor_.bos_id(), XlmRobertaIds::kBegin));
    for (const int piece : pieces) ids.push_back(id(piece, XlmRobertaIds::id(piece)));
    if (has_end()) ids.push_back(id(processor_.eos_id(), XlmRobertaIds::kEnd));
    return ids;
  }

  int64_t vocabulary() const override {
    return xlm_roberta_ ? xlm_roberta_->count() : processor_.GetPieceSize();
  }
  int64_t padding() const override { return id(std::max(0, processor_.pad_id()), XlmRobertaIds::kPadding); }
  std::string token(int64_t id) const override {
    if (id < 0 || id >= vocabulary()) throw std::out_of_range("tokenizer: no id " + std::to_string(id));
    return xlm_roberta_ ? xlm_roberta_->token(processor_, id) : processor_.IdToPiece(static_cast<int>(id));
  }

 private:
  void open(const std::string& path) {
    std::string model;
    try {
      model = read_file(path, kMaxFileBytes);
    } catch (const IoError&) {
      std::throw_with_nested(DataError("tokenizer: expected a SentencePiece model of at most 64 MiB at " +
                                       path + "; check data.text.tokenizer.path"));
    }
    const auto status = processor_.LoadFromSerializedProto(model);
    if (!status.ok() || processor_.GetPieceSize() < 1)
      throw DataError("tokenizer: expected a SentencePiece model, got '" + status.ToString() + "' from " +
                      path + "; train one with lodestone tokenizer train --kind sentencepiece");
  }

  bool has_begin() const { return processor_.bos_id() >= 0; }
  bool has_end() const { return processor_.eos_id() >= 0; }
  int64_t id(int64_t own, int64_t of_xlm_roberta) const { return xlm_roberta_ ? of_xlm_roberta : own; }

  bool begins_as_xlm_roberta() const {
    return processor_.GetPieceSize() > 3 && processor_.unk_id() == 0 && processor_.IdToPiece(1) == "<s>" &&
           processor_.IdToPiece(2) == "</s>" && processor_.pad_id() < 0;
  }
  std::string first_pieces() const {
    std::string names;
    for (int i = 0; i < std::min(3, processor_.GetPieceSize()); ++i)
      names += (i ? ", " : "") + printable(processor_.IdToPiece(i));
    return names;
  }

  // Some families of models number the same pieces differently. A run would not notice: it would only learn
  // less.
  void check_beyond_doubt(const std::string& path) const {
    const auto family = tokenizer_family(path);
    if (family && !family->xlm_roberta)
      throw ConfigError(
          "tokenizer: expected a SentencePiece model whose ids are its own, got " + path +
          " of a family with others (" + family->source +
          "), which are not read here; set data.text.tokenizer.ids: sentencepiece only for a model that was "
          "trained on the SentencePiece model's own ids");
    if (family)
      throw ConfigError("tokenizer: expected a setting that says which ids the pieces of " + path +
                        " have, got " + family->source + "; " + kChoices);
    if (begins_as_xlm_roberta())
      throw ConfigError("tokenizer: expected a setting that says which ids the pieces of " + path +
                        " have, since it begins with <unk>, <s>, </s> and has no padding, as XLM-R's does "
                        "and as the library's "
                        "defaults make it; " +
                        kChoices);
  }

  Processor processor_;
  std::optional<XlmRobertaIds> xlm_roberta_;
};

}  // namespace

std::shared_ptr<const Tokenizer> open_sentencepiece(const std::string& path, PieceIds ids) {
  return std::make_shared<SentencePiece>(path, ids);
}

}  // namespace lodestone::sampler
