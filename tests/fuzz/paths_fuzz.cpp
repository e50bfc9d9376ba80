#include "common/paths.h"
#include "fuzz/input.h"
#include "sampler/files/path_patterns.h"

using namespace lodestone;
using namespace lodestone::sampler;

/// A path or pattern as a configuration or a list has it. What is taken names this machine; braces become a
/// bounded number of names.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string value(fuzz::text(data, size));
  fuzz::refusing([&] {
    const std::string path = user_path(value, "key");
    if (has_scheme(value) || path.find('\0') != std::string::npos ||
        path.size() < value.size() - (value == "~"))
      std::abort();
  });
  if (is_file(value) && !path_exists(value)) std::abort();
  absolute_path(value);
  if (stays_below(value) && (value.empty() || value.front() == '/' || value == ".." || has_scheme(value)))
    std::abort();
  name_in_quotes(value);
  fuzz::refusing([&] {
    const std::vector<std::string> paths = expand_braces(value);
    if (paths.empty() || paths.size() > 1'000'000 ||
        (value.find('{') == std::string::npos && paths[0] != value))
      std::abort();
  });
  return 0;
}
