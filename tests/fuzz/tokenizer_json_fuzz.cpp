#include "fuzz/input.h"
#include "sampler/tokenizers/huggingface/tokenizer_json.h"

using namespace lodestone;
using namespace lodestone::sampler;

// The bytes are a tokenizer.json and, behind the last zero byte, a text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all = fuzz::text(data, size);
  const size_t zero = all.rfind('\0');
  const std::string_view file = all.substr(0, zero);
  const std::string_view text =
      zero == std::string_view::npos ? "Ein Text, a text\n\t1234 e\u0301 \xff </s>" : all.substr(zero + 1);
  fuzz::refusing([&] {
    const auto tokenizer = open_tokenizer_json(fuzz::MemoryFile(file).path(), true);
    if (tokenizer->padding() < 0 || tokenizer->padding() >= tokenizer->vocabulary()) std::abort();
    const std::vector<PlacedToken> placed = tokenizer->place(text, 64);
    const std::vector<int64_t> ids = tokenizer->encode(text, 64);
    if (ids.size() > 64) std::abort();
    for (size_t i = 0; i < ids.size(); ++i)
      if (ids[i] < 0 || ids[i] >= tokenizer->vocabulary() || ids[i] != placed[i].id) std::abort();
  });
  return 0;
}
