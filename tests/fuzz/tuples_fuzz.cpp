#include <fstream>

#include "fuzz/input.h"
#include "sampler/dataset.h"
#include "sampler/sources/tuples.h"

using namespace lodestone;
using namespace lodestone::sampler;

/// Any list of pairs or triplets, with commas or, if the first byte is odd, tabs, becomes tuples of images
/// beside it, or a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const TempFolder folder;
  static const bool made = [] {
    for (const char* name : {"a.png", "b.png", "c.png"}) std::ofstream(folder.path() / name) << "x";
    return true;
  }();
  if (!made) std::abort();
  const std::string path = folder.path() / (data[0] % 2 ? "list.tsv" : "list.csv");
  std::ofstream(path, std::ios::binary) << fuzz::text(data + 1, size - 1);
  for (const OnBadRecord rule : {OnBadRecord::kFail, OnBadRecord::kSkip})
    fuzz::refusing([&] {
      const TupleSet set = read_tuples(path, {}, {IndexCache::Place::kNone}, {rule, 1.0});
      if (set.tuples.empty() || (set.images_per_tuple != 2 && set.images_per_tuple != 3)) std::abort();
      for (const Tuple& tuple : set.tuples)
        for (const int64_t image : {tuple.anchor, tuple.other})
          if (image < 0 || image >= set.images->size()) std::abort();
    });
  return 0;
}
