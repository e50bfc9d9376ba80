#include "trainer/init/find.h"

#include <algorithm>
#include <map>

#include "common/counted.h"
#include "common/error.h"
#include "common/file_kind.h"
#include "common/paths.h"
#include "common/printable.h"
#include "sampler/sources/image_files.h"

namespace lodestone::init {

namespace {

// "3 files *.parquet (a Parquet file)", of the ending that most files have.
std::string most_files(const Place& place, const std::vector<std::string>& files) {
  std::map<std::string, std::pair<int64_t, std::string>> endings;
  for (const std::string& name : files) {
    const std::string small = small_name(name);
    const size_t dot = small.rfind('.');
    auto& [count, example] = endings[dot == std::string::npos ? "" : small.substr(dot)];
    if (count++ == 0) example = name;
  }
  if (endings.empty()) return place.folders.empty() ? "an empty folder" : "folders without data";
  const auto most = std::ranges::max_element(endings, {}, [](const auto& one) { return one.second.first; });
  return counted(most->second.first, "file") + " like " + printable(most->second.second);
}

// The files of the place and of its first folders, for a message.
std::vector<std::string> some_files(const Place& place) {
  constexpr size_t kFolders = 20;
  std::vector<std::string> files = place.files;
  for (size_t f = 0; f < std::min(kFolders, place.folders.size()); ++f) {
    const Place inner = look_at(place.below(place.folders[f]));
    files.insert(files.end(), inner.files.begin(), inner.files.end());
  }
  return files;
}

[[noreturn]] void refuse(const Place& place) {
  const std::string expected =
      "init: expected images of classes, texts or captions in " + printable(place.path) + ", got ";
  if (!place.is_folder) {
    if (const FileKind* kind = kind_of_name(place.path))
      throw DataError(expected + kind_and_remedy(kind, ""));
    if (sampler::has_image_ending(place.path))
      throw DataError(expected + "one image; name the folder that has one folder for each class");
    if (small_name(place.path).ends_with(".txt"))
      throw DataError(expected +
                      "one text a line: nothing says which of them belong together; write a table *.tsv with "
                      "a second column, the class of each text or a text that belongs to it");
    throw DataError(
        expected +
        "a file of unknown kind; name a folder of class folders, shards (*.tar), or a table (*.csv, "
        "*.tsv, *.jsonl)");
  }
  const std::vector<std::string> files = some_files(place);
  const auto images = std::ranges::count_if(files, sampler::has_image_ending);
  if (images > 0)
    throw DataError(
        expected + counted(images, "image") +
        " without classes: nothing says which of them show the same; put the images of each class (a "
        "person, an object) into a folder of its own, or write a list *.csv with the columns path and "
        "label");
  for (const std::string& name : files)
    if (const FileKind* kind = kind_of_name(name))
      throw DataError(expected + most_files(place, files) + ", " + kind_and_remedy(kind, ""));
  throw DataError(expected + most_files(place, files) +
                  "; name a folder of class folders, shards (*.tar), or a table (*.csv, *.tsv, *.jsonl)");
}

}  // namespace

std::span<const FindingRow> finding_table() {
  static constexpr FindingRow kRows[] = {
      {.name = "shards", .is_there = has_shards, .find = find_shards},
      {.name = "idx", .is_there = has_idx, .find = find_idx},
      {.name = "table", .is_there = has_tables, .find = find_tables},
      {.name = "class folders", .is_there = has_class_folders, .find = find_class_folders},
  };
  return kRows;
}

Finding find(const std::string& path) {
  const Place place = look_at(path);
  for (const FindingRow& row : finding_table())
    if (row.is_there(place)) return row.find(place);
  refuse(place);
}

}  // namespace lodestone::init
