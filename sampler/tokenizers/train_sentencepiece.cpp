#include "sampler/tokenizers/train_sentencepiece.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include "common/error.h"

namespace lodestone::sampler {

namespace {

class Texts : public sentencepiece::SentenceIterator {
 public:
  explicit Texts(const std::function<std::optional<std::string>()>& next) : next_(next), text_(next_()) {}
  bool done() const override { return !text_; }
  void Next() override { text_ = next_(); }
  const std::string& value() const override { return *text_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::function<std::optional<std::string>()>& next_;
  std::optional<std::string> text_;
};

}  // namespace

std::string train_sentencepiece(const std::function<std::optional<std::string>()>& next, int64_t vocabulary) {
  Texts texts(next);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      {{"vocab_size", std::to_string(vocabulary)},
       {"pad_id", "0"},
       {"unk_id", "1"},
       {"bos_id", "2"},
       {"eos_id", "3"},
       {"num_threads", "1"},  // sums of floats depend on their order
       {"minloglevel", "2"}},
      &texts, &model);
  if (!status.ok())
    throw ConfigError("tokenizer: SentencePiece expected other settings or more text, got: " +
                      status.ToString());
  return model;
}

int64_t count_pieces(const std::string& model) {
  sentencepiece::SentencePieceProcessor processor;
  const auto status = processor.LoadFromSerializedProto(model);
  if (!status.ok()) throw Error("tokenizer: SentencePiece does not read its own model: " + status.ToString());
  return processor.GetPieceSize();
}

}  // namespace lodestone::sampler
