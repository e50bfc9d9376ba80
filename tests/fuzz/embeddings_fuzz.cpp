#include <fstream>

#include "fuzz/input.h"
#include "trainer/search/calibration.h"
#include "trainer/search/embeddings.h"
#include "trainer/search/picture.h"

using namespace lodestone;
using namespace lodestone::search;

/// A file of embeddings or a gallery, whose rows stand beside it behind as many bytes as the first two say,
/// and the same bytes as a calibration: as many named rows as embeddings, with bounded texts and thumbnails,
/// or a typed error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  static const TempFolder folder;
  const std::string_view all = fuzz::text(data + 2, size - 2);
  const size_t first = std::min<size_t>(all.size(), data[0] * size_t{256} + data[1]);
  const std::string file = folder.path() / "e.safetensors";
  std::ofstream(file, std::ios::binary) << all.substr(0, first);
  std::ofstream(rows_beside(file), std::ios::binary) << all.substr(first);
  fuzz::refusing([&] {
    const Embeddings read = read_embeddings(file);
    if (read.size() != static_cast<int64_t>(read.rows_N.size()) || read.z_ND.size(1) < 1) std::abort();
    const std::string again = folder.path() / "again.safetensors";
    write_embeddings(again, read);
    if (read_embeddings(again).rows_N != read.rows_N) std::abort();
    for (const EmbeddedRow& row : read.rows_N)
      if (row.text.size() > kRowTextBytes || thumbnail_uri(row.thumbnail).size() > size_t{100} << 10)
        std::abort();
  });
  fuzz::refusing([&] { read_calibration(rows_beside(file)); });
  return 0;
}
