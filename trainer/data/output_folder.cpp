#include "trainer/data/output_folder.h"

#include <regex>
#include <system_error>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/files.h"
#include "common/paths.h"

namespace lodestone::data {

namespace fs = std::filesystem;

namespace {

// The files in a folder that publishing would replace.
std::vector<fs::path> data_in(const fs::path& folder) {
  static const std::regex kData("(train|validation|test)(-[0-9]{5}\\.tar|(-pairs)?\\.jsonl)");
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::path& entry : folder_entries(folder, error))
    if (std::regex_match(entry.filename().string(), kData)) found.push_back(entry);
  if (error) throw IoError("data: cannot list " + folder.string() + ": " + error.message());
  return found;
}

}  // namespace

OutputFolder::OutputFolder(fs::path output, std::string kind)
    : output_(std::move(output)), part_(output_ / ("." + kind + "-part")), kind_(std::move(kind)) {
  if (output_.empty()) throw ConfigError(kind_ + ": expected an output folder; give --output DIR");
  make_folders(output_);
  const bool ours = path_exists(output_ / (kind_ + ".json")) || path_exists(part_);
  if (!ours && !data_in(output_).empty())
    throw DataError(kind_ + ": " + output_.string() + " holds data files, but no " + kind_ +
                    ".json says that they are replaceable; choose another output folder or remove them");
  std::error_code ignored;
  fs::remove_all(part_, ignored);
  make_folders(part_);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  fs::remove_all(part_, ignored);
}

void OutputFolder::publish() {
  std::error_code ignored;
  fs::remove(output_ / manifest().filename(), ignored);
  for (const auto& old : data_in(output_)) fs::remove(old, ignored);
  for (const auto& made : data_in(part_)) rename_synced(made, output_ / made.filename());
  rename_synced(manifest(), output_ / manifest().filename());
}

}  // namespace lodestone::data
