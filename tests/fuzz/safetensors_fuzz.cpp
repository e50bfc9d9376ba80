#include "common/safetensors.h"
#include "common/safetensors_foreign.h"
#include "fuzz/input.h"

/// Any bytes become tensors that are written and read again as they are, or a typed error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  // What is read strictly is read the same where unknown types are passed over.
  fuzz::refusing([&] {
    const ForeignTensors foreign = decode_foreign_safetensors(fuzz::text(data, size), "fuzz.safetensors");
    if (foreign.unreadable.empty() &&
        encode_safetensors(foreign.tensors) !=
            encode_safetensors(decode_safetensors(fuzz::text(data, size), "fuzz.safetensors")))
      std::abort();
  });
  fuzz::refusing([&] {
    const TensorMap tensors = decode_safetensors(fuzz::text(data, size), "fuzz.safetensors");
    const std::string again = encode_safetensors(tensors);
    if (encode_safetensors(decode_safetensors(again, "fuzz.safetensors")) != again) std::abort();
  });
  return 0;
}
