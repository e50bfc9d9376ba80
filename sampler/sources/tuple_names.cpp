#include "sampler/sources/tuple_names.h"

#include <utility>

#include "common/error.h"
#include "common/paths.h"
#include "common/printable.h"
#include "sampler/files/path_patterns.h"
#include "sampler/sources/tar_shard.h"
#include "sampler/sources/tuples.h"

namespace lodestone::sampler {

namespace fs = std::filesystem;

TupleNames::TupleNames(const Dataset& images, const std::string& source, const fs::path& list,
                       std::string who)
    : images_(images), folder_(absolute_path(list).parent_path()), source_(source), who_(std::move(who)) {
  if (list.extension() != ".tsv")
    throw ConfigError(who_ + ": expected --output *.tsv for images, got " + list.string());
  if (is_folder(source_)) return;
  // A list or shards: keys are paths relative to the deepest folder that contains all files.
  const auto files = expand_paths(source);
  source_ = files.front().substr(0, files.front().size() - relative_names(files).front().size());
}

std::string TupleNames::operator()(int64_t i) const {
  const std::string key = images_.key(i);
  const fs::path file = absolute_path(source_ / key);
  const std::string name = file.lexically_relative(folder_).generic_string();
  if (!is_tuple_column(name))
    throw DataError(
        who_ + ": expected names of images that a list can hold, got '" + printable(name) +
        "'; a tab, a line break, a # in front, and 0 or 1 alone mean something else there: rename "
        "the file");
  if (!is_file(source_ / ImageName::of(key).file) || !is_list_entry(name))
    throw ConfigError(who_ +
                      ": expected images in files, or in shards named *.tar, below the list's folder, " +
                      folder_.string() + ", got " + printable(file.string()) +
                      "; put --output into the folder of the images or above it");
  return name;
}

}  // namespace lodestone::sampler
