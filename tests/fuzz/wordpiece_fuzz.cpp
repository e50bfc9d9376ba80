#include <vector>

#include "fuzz/input.h"
#include "sampler/tokenizers/train_wordpiece.h"
#include "sampler/tokenizers/wordpiece.h"

using namespace lodestone;
using namespace lodestone::sampler;

namespace {

void check(const Tokenizer& tokenizer, std::string_view text) {
  for (const int64_t most : {2, 5, 64}) {
    const std::vector<int64_t> ids = tokenizer.encode(text, most);
    if (ids.size() < 2 || static_cast<int64_t>(ids.size()) > most) std::abort();
    for (const int64_t id : ids)
      if (id < 0 || id >= tokenizer.vocabulary()) std::abort();
  }
}

}  // namespace

// The bytes are a text, split and encoded; then a text to make a vocabulary of, which must cover it without
// unknown words; then a vocabulary themselves.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const BertText how{(data[0] & 1) != 0, (data[0] & 2) != 0};
  const std::string_view text = fuzz::text(data + 1, size - 1);
  for_each_bert_word(text, how, [](std::string_view word) {
    if (word.empty() || word.find(' ') != word.npos) std::abort();
    return true;
  });
  WordPieceTrainer trainer(how);
  trainer.add(text);
  fuzz::refusing([&] {
    std::string lines;
    for (const std::string& token : trainer.tokens(4096)) lines += token + "\n";
    const fuzz::MemoryFile file(lines);
    check(*open_wordpiece(file.path(), how), text);
  });
  fuzz::refusing([&] {
    const fuzz::MemoryFile file("[PAD]\n[UNK]\n[CLS]\n[SEP]\n" + std::string(text));
    check(*open_wordpiece(file.path(), how), text);
  });
  return 0;
}
