#include <fstream>

#include "fuzz/input.h"
#include "sampler/files/path_patterns.h"
#include "sampler/sources/image_source.h"

/// Any list, with commas or, if the first byte is odd, tabs, becomes samples below its folder, or a
/// DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  using namespace lodestone::sampler;
  if (size < 1) return 0;
  static const TempFolder folder;
  ImageSourceConfig config;
  config.path = folder.path() / (data[0] % 2 ? "list.tsv" : "list.csv");
  std::ofstream(config.path, std::ios::binary) << fuzz::text(data + 1, size - 1);
  fuzz::refusing([&] {
    const auto set = open_image_manifest(config, {});
    for (int64_t i = 0; i < set->size(); ++i)
      if (!stays_below(set->key(i)) || set->label(i) >= set->classes()) std::abort();
  });
  return 0;
}
