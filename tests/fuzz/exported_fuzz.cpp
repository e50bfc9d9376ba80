#include <memory>
#include <vector>

#include <archive.h>
#include <archive_entry.h>

#include "fuzz/input.h"
#include "trainer/encoders/exported/program.h"

namespace lodestone::fuzz {
namespace {

void add(archive* zip, const std::string& name, std::string_view bytes) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            &archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<int64_t>(bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_write_header(zip, entry.get());
  archive_write_data(zip, bytes.data(), bytes.size());
}

// A sound archive of this graph and these notes about its weights, all of which have the same bytes.
std::string archive_of(std::string_view graph, std::string_view weights) {
  std::vector<char> out(graph.size() + weights.size() + 65536);
  size_t used = 0;
  const std::unique_ptr<archive, decltype(&archive_write_free)> zip(archive_write_new(), &archive_write_free);
  archive_write_set_format_zip(zip.get());
  archive_write_set_options(zip.get(), "compression=store");
  if (archive_write_open_memory(zip.get(), out.data(), out.size(), &used) != ARCHIVE_OK) std::abort();
  add(zip.get(), "p/models/model.json", graph);
  add(zip.get(), "p/data/weights/model_weights_config.json", weights);
  for (int i = 0; i < 16; ++i)
    add(zip.get(), "p/data/weights/weight_" + std::to_string(i), std::string(1200, 1));
  archive_write_close(zip.get());
  return {out.data(), used};
}

}  // namespace
}  // namespace lodestone::fuzz

/// Any bytes as a file of programs, or as the graph and the notes of one (two lines of JSON): read, or
/// refused by a typed error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  const std::string_view given = fuzz::text(data, size);
  const size_t line = given.find('\n');
  const std::string file = given.starts_with("PK") || line == std::string_view::npos
                               ? std::string(given)
                               : fuzz::archive_of(given.substr(0, line), given.substr(line + 1));
  fuzz::refusing([&] {
    const encoders::exported::ExportFile entries("fuzz.pt2", file);
    const encoders::exported::Program program(entries, entries.program(""));
  });
  return 0;
}
