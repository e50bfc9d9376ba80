#include "sampler/tokenizers/sentencepiece.h"

#include <algorithm>

#include <sentencepiece_processor.h>

#include "common/error.h"
#include "common/files.h"

namespace lodestone {

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;

// The library's time grows with the square of a run of unknown characters. So it gets no more of a text than fits: a token is shorter
// than this, but for such runs and for blanks.
constexpr size_t kBytesOfToken = 64;
constexpr size_t kMinBytes = size_t{64} << 10;

std::string_view beginning_of(std::string_view text, int64_t max_tokens) {
  const size_t most = std::max(kMinBytes, kBytesOfToken * static_cast<size_t>(max_tokens));
  if (text.size() <= most) return text;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // inside a character
  return text.substr(0, end);
}

class SentencePiece : public Tokenizer {
 public:
  explicit SentencePiece(const std::string& path) {
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
                      path + "; train one by lodestone tokenizer train --kind sentencepiece");
  }

  std::vector<int64_t> encode(std::string_view text, int64_t max_tokens) const override {
    std::vector<int> pieces;
    const auto status = processor_.Encode(beginning_of(text, max_tokens), &pieces);
    if (!status.ok()) throw DataError("tokenizer: SentencePiece cannot split a text: " + status.ToString());
    const bool has_begin = processor_.bos_id() >= 0, has_end = processor_.eos_id() >= 0;
    const auto room = static_cast<size_t>(max_tokens) - (has_begin ? 1 : 0) - (has_end ? 1 : 0);
    if (pieces.size() > room) pieces.resize(room);
    std::vector<int64_t> ids;
    ids.reserve(pieces.size() + 2);
    if (has_begin) ids.push_back(processor_.bos_id());
    ids.insert(ids.end(), pieces.begin(), pieces.end());
    if (has_end) ids.push_back(processor_.eos_id());
    return ids;
  }

  int64_t vocabulary() const override { return processor_.GetPieceSize(); }
  int64_t padding() const override { return std::max(0, processor_.pad_id()); }
  std::string token(int64_t id) const override {
    if (id < 0 || id >= vocabulary()) throw std::out_of_range("tokenizer: no id " + std::to_string(id));
    return processor_.IdToPiece(static_cast<int>(id));
  }

 private:
  sentencepiece::SentencePieceProcessor processor_;
};

}  // namespace

std::shared_ptr<const Tokenizer> open_sentencepiece(const std::string& path) {
  return std::make_shared<SentencePiece>(path);
}

}  // namespace lodestone
