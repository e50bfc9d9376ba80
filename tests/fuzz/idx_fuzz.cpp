#include <fstream>

#include "fuzz/input.h"
#include "sampler/sources/idx.h"

/// Two files, the first as long as the first two bytes say and both compressed if the third is odd, become
/// images, or a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  using namespace lodestone::sampler;
  if (size < 3) return 0;
  static const TempFolder folder;
  const std::string ending = data[2] % 2 ? ".gz" : "";
  const std::string_view all = fuzz::text(data + 3, size - 3);
  const size_t first = std::min<size_t>(all.size(), data[0] * size_t{256} + data[1]);
  const std::string images = folder.path() / ("x-images-idx3-ubyte" + ending);
  const std::string labels = folder.path() / ("x-labels-idx1-ubyte" + ending);
  std::ofstream(images, std::ios::binary) << all.substr(0, first);
  std::ofstream(labels, std::ios::binary) << all.substr(first);
  fuzz::refusing([&] {
    const auto set = open_idx(images, {});
    for (int64_t i = 0; i < set->size(); ++i)
      if (set->get(i).pixels.empty() || set->label(i) >= set->classes()) std::abort();
  });
  return 0;
}
