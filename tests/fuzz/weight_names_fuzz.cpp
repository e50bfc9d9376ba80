#include <vector>

#include "fuzz/input.h"
#include "trainer/encoders/weight_names.h"

using namespace lodestone;
using namespace lodestone::encoders;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
    lines.emplace_back(text.substr(0, end));
  lines.emplace_back(text);
  return lines;
}

}  // namespace

/// The first line is the prefix, the others are the names of a file's tensors. Each name is used once, or
/// left over, or passed over.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::set<std::string> ours = {"embeddings.norm.weight", "embeddings.norm.bias",
                                      "layers.0.mlp.0.weight",  "layers.0.mlp.3.bias",
                                      "layers.0.query.weight",  "head.weight"};
  std::vector<std::string> names = lines_of(fuzz::text(data, size));
  const std::string prefix = names.front();
  names.erase(names.begin());
  fuzz::refusing([&] {
    const WeightNames found = match_names(ours, names, prefix);
    if (found.theirs.size() + found.left_over.size() > names.size() ||
        found.older > static_cast<int64_t>(found.theirs.size()))
      std::abort();
    for (const auto& [own, theirs] : found.theirs)
      if (!ours.contains(own) || !theirs.starts_with(found.prefix)) std::abort();
    for (const std::string& name : found.left_over) is_of_head(name, found.prefix);
    foreign_parts(found.left_over, names);
  });
  return 0;
}
