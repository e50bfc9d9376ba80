#include <cstdlib>

#include "common/utf8.h"
#include "fuzz/input.h"
#include "trainer/http/query.h"

using namespace lodestone;

// The target of a request, as the client sent it. What is accepted is UTF-8, and no longer than the target.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::refusing([&] {
    size_t all = 0;
    for (const auto& [name, value] : http::parse_query(fuzz::text(data, size))) {
      if (!is_utf8(name) || !is_utf8(value)) std::abort();
      all += name.size() + value.size();
    }
    if (all > size) std::abort();
  });
  return 0;
}
