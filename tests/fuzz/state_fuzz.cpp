#include "common/json_reader.h"
#include "fuzz/input.h"

/// Any bytes become a state of a bounded depth that is written and read again as it is, or a typed error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  fuzz::refusing([&] {
    const std::string_view text = fuzz::text(data, size);
    const nlohmann::json value = parse_json(text, "state.json");
    if (nlohmann::json::parse(text) != value) std::abort();
    const auto small = read_json(text, {.depth = 4, .array_items = 8, .members = 8, .values = 32});
    if (small && *small != value) std::abort();
    const std::string again = value.dump();
    if (parse_json(again, "state.json").dump() != again) std::abort();
  });
  return 0;
}
