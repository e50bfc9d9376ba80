#include <fstream>

#include "fuzz/input.h"
#include "sampler/tokenizers/tokenizer_family.h"
#include "trainer/encoders/bert_config.h"

using namespace lodestone;
using namespace lodestone::encoders;
using namespace lodestone::sampler;

/// The config.json beside weights and the tokenizer_config.json beside a tokenizer: a size of a model within
/// its bounds, or a typed error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TempFolder folder;
  for (const char* name : {"config.json", "tokenizer_config.json"})
    std::ofstream(folder.path() / name, std::ios::binary) << fuzz::text(data, size);
  if (const auto family = tokenizer_family((folder.path() / "it.model").string()))
    if (family->source.empty()) std::abort();
  fuzz::refusing([&] {
    BertConfig bert;
    bert.resolve(folder.path(), 100, 16);
    if (*bert.layers < 1 || *bert.layers > 256 || *bert.width < 1 || *bert.width > 65536 || *bert.heads < 1 ||
        *bert.width % *bert.heads != 0 || *bert.vocabulary < 100 || *bert.positions < 16 ||
        *bert.intermediate < 1)
      std::abort();
  });
  return 0;
}
