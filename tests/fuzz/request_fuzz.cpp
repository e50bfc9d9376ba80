#include <cstdlib>

#include "fuzz/input.h"
#include "trainer/serve/request.h"
#include "trainer/serve/text_request.h"

using namespace lodestone;
using namespace lodestone::serve;

namespace {

void check(const TextRequest& request, const TextRequestLimits& limits) {
  size_t ids = 0;
  for (const TextInput& input : request.inputs)
    if (const auto* text = std::get_if<std::string>(&input)) {
      if (text->empty() || text->size() > limits.text_bytes) std::abort();
    } else {
      ids += std::get<std::vector<int64_t>>(input).size();
    }
  if (request.inputs.empty() || request.inputs.size() > limits.inputs || ids > limits.tokens ||
      request.dimensions < 0)
    std::abort();
}

}  // namespace

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
  // The same bytes in the forms of other servers.
  const TextRequestLimits text_limits{8, 256, 100};
  const http::HttpRequest body{.body = std::string(fuzz::text(data, size))};
  fuzz::refusing([&] { check(parse_openai(body, text_limits), text_limits); });
  fuzz::refusing([&] {
    if (const auto request = parse_tei(body, text_limits)) check(*request, text_limits);
  });
  return 0;
}
