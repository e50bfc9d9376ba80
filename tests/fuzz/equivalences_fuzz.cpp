#include <filesystem>
#include <fstream>

#include "fuzz/input.h"
#include "sampler/sources/image_source.h"

using namespace lodestone;
using namespace lodestone::sampler;

/// Any equivalences.tsv gives classes their groups, or is refused by a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TempFolder folder;
  static const bool made = [] {
    for (const char* name : {"a", "b", "c d"}) {
      std::filesystem::create_directory(folder.path() / name);
      std::ofstream(folder.path() / name / "1.png") << "x";
    }
    return true;
  }();
  if (!made) std::abort();
  std::ofstream(folder.path() / "equivalences.tsv", std::ios::binary) << fuzz::text(data, size);
  ImageSourceConfig config;
  config.path = folder.path();
  fuzz::refusing([&] {
    const auto set = open_image_folder(config, {});
    if (set->size() != 3 || set->classes() != 3) std::abort();
  });
  return 0;
}
