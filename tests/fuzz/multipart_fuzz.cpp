#include <algorithm>
#include <cstdlib>
#include <string>

#include "fuzz/input.h"
#include "trainer/serve/multipart.h"
#include "trainer/serve/request.h"

using namespace lodestone;
using namespace lodestone::serve;

// The first line is the Content-Type of a form, the rest its body. Parts lie within the body, one after the
// other, and what is accepted keeps to the limits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all = fuzz::text(data, size);
  const size_t end = std::min(all.find('\n'), all.size());
  const std::string type(all.substr(0, end));
  const std::string body(all.substr(std::min(all.size(), end + 1)));
  fuzz::refusing([&] {
    constexpr size_t kParts = 16;
    const auto parts = parse_multipart(body, multipart_boundary(type), kParts);
    if (parts.size() > kParts) std::abort();
    const char* at = body.data();
    for (const FormPart& part : parts) {
      if (part.name.empty()) std::abort();
      if (part.bytes.empty()) continue;
      if (part.bytes.data() < at || part.bytes.data() + part.bytes.size() > body.data() + body.size())
        std::abort();
      at = part.bytes.data() + part.bytes.size();
    }
  });
  const RequestLimits limits{8, 256, 100};
  fuzz::refusing([&] {
    const ServeRequest request =
        parse_request({.body = body, .type = "multipart/form-data;" + type}, {RequestKey::kName}, limits);
    if (request.inputs.empty() || request.inputs.size() > limits.rows || request.k < 1 ||
        request.k > limits.answers || request.name.size() > limits.text_bytes)
      std::abort();
  });
  return 0;
}
