#include "common/json_reader.h"
#include "fuzz/input.h"

/// Any bytes become a state of a bounded depth that is written and read again as it is, or a typed error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  fuzz::refusing([&] {
    const std::string again = parse_json(fuzz::text(data, size), "state.json").dump();
    if (parse_json(again, "state.json").dump() != again) std::abort();
  });
  return 0;
}
