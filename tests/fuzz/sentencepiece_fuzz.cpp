#include <optional>
#include <vector>

#include "fuzz/input.h"
#include "sampler/tokenizers/sentencepiece.h"
#include "sampler/tokenizers/train_sentencepiece.h"

using namespace lodestone;
using namespace lodestone::sampler;

namespace {

std::shared_ptr<const Tokenizer> small() {
  int n = 0;
  const fuzz::MemoryFile file(train_sentencepiece(
      [&]() -> std::optional<std::string> {
        if (++n > 300) return {};
        return "sentence number " + std::to_string(n * 7919 % 1000) + " speaks of apples and of pears";
      },
      60));
  return open_sentencepiece(file.path());
}

}  // namespace

// The bytes are a text for a model that was made here. Models themselves are files that a user vouches for,
// like programs.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::shared_ptr<const Tokenizer> tokenizer = small();
  for (const int64_t most : {2, 5, 64}) {
    const std::vector<int64_t> ids = tokenizer->encode(fuzz::text(data, size), most);
    if (ids.size() < 2 || static_cast<int64_t>(ids.size()) > most) std::abort();
    for (const int64_t id : ids)
      if (id < 0 || id >= tokenizer->vocabulary()) std::abort();
  }
  return 0;
}
