#include <cstdlib>

#include "fuzz/input.h"
#include "trainer/serve/request.h"

using namespace lodestone;
using namespace lodestone::serve;

// The body of a request to the service. What is accepted keeps to the limits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const RequestLimits limits{8, 256, 100};
  fuzz::refusing([&] {
    const ServeRequest request = parse_request({.body = std::string(fuzz::text(data, size))}, {}, limits);
    if (request.inputs.empty() || request.inputs.size() > limits.rows || request.k < 1 ||
        request.k > limits.answers)
      std::abort();
    for (const RequestInput& input : request.inputs)
      if (!input.image && input.bytes.size() > limits.text_bytes) std::abort();
  });
  return 0;
}
