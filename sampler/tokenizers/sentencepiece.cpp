#include "sampler/tokenizers/sentencepiece.h"

#include <algorithm>
#include <optional>

#include <sentencepiece_processor.h>

#include "common/error.h"
#include "common/files.h"
#include "common/printable.h"
#include "sampler/tokenizers/tokenizer_config.h"
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

constexpr const char* kChoices =
    "set data.text.tokenizer.ids to xlm_roberta, camembert or mbart for a model with such weights, or to "
    "sentencepiece for one that was trained on the SentencePiece model's own ids";

class SentencePiece : public Tokenizer {
 public:
  SentencePiece(const std::string& path, PieceIds ids) {
    open(path);
    const auto family = tokenizer_family(path);
    if (ids == PieceIds::kAuto) ids = ids_beyond_doubt(path, family);
    if (ids == PieceIds::kSentencePiece) return;
    if (!begins_as_xlm_roberta())
      throw ConfigError("data.text.tokenizer.ids: expected for " + choice_name(ids, kPieceIds) +
                        " a model whose first pieces are <unk>, <s>, </s>, got " + path + " with " +
                        first_pieces() + "; use the family's own model, or ids: sentencepiece");
    numbers_.emplace(ids, processor_.GetPieceSize(), family ? family->language : kLanguage);
  }

  std::vector<int64_t> encode(std::string_view text, int64_t max_tokens) const override {
    std::vector<int> pieces;
    const auto status = processor_.Encode(beginning_of(text, max_tokens), &pieces);
    if (!status.ok()) throw DataError("tokenizer: SentencePiece cannot split a text: " + status.ToString());
    std::vector<int64_t> ids = before(), behind = after();
    const auto room = static_cast<size_t>(max_tokens) -
                      std::min(static_cast<size_t>(max_tokens), ids.size() + behind.size());
    if (pieces.size() > room) pieces.resize(room);
    ids.reserve(ids.size() + pieces.size() + behind.size());
    for (const int piece : pieces) ids.push_back(numbers_ ? numbers_->id(piece) : piece);
    ids.insert(ids.end(), behind.begin(), behind.end());
    return ids;
  }

  int64_t vocabulary() const override { return numbers_ ? numbers_->count() : processor_.GetPieceSize(); }
  int64_t padding() const override {
    return numbers_ ? PieceNumbers::kPadding : std::max(0, processor_.pad_id());
  }
  std::string token(int64_t id) const override {
    if (id < 0 || id >= vocabulary()) throw std::out_of_range("tokenizer: no id " + std::to_string(id));
    const int64_t piece = numbers_ ? numbers_->piece(id) : id;
    return piece < 0 ? numbers_->name(id) : processor_.IdToPiece(static_cast<int>(piece));
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

  std::vector<int64_t> before() const { return numbers_ ? numbers_->before() : mark(processor_.bos_id()); }
  std::vector<int64_t> after() const { return numbers_ ? numbers_->after() : mark(processor_.eos_id()); }
  static std::vector<int64_t> mark(int id) {
    if (id < 0) return {};
    return {id};
  }

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
  PieceIds ids_beyond_doubt(const std::string& path, const std::optional<TokenizerFamily>& family) const {
    if (family && family->ids == PieceIds::kSentencePiece)
      throw ConfigError(
          "tokenizer: expected a SentencePiece model whose ids are its own, got " + path +
          " of a family with others (" + family->source +
          "), which are not read here; use the family's tokenizer.json, or set data.text.tokenizer.ids: "
          "sentencepiece only for a model that was trained on the SentencePiece model's own ids");
    if (family && family->ids != PieceIds::kAuto) return family->ids;
    if (family)
      throw ConfigError("tokenizer: expected a setting that says which ids the pieces of " + path +
                        " have, got " + family->source + "; " + kChoices);
    if (begins_as_xlm_roberta())
      throw ConfigError("tokenizer: expected a setting that says which ids the pieces of " + path +
                        " have, since it begins with <unk>, <s>, </s> and has no padding, as XLM-R's does "
                        "and as the library's defaults make it; " +
                        kChoices);
    return PieceIds::kSentencePiece;
  }

  Processor processor_;
  std::optional<PieceNumbers> numbers_;  // of a family
};

}  // namespace

std::shared_ptr<const Tokenizer> open_sentencepiece(const std::string& path, PieceIds ids) {
  return std::make_shared<SentencePiece>(path, ids);
}

}  // namespace lodestone::sampler
