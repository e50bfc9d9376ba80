#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/error.h"
#include "sampler/image_files.h"
#include "sampler/image_source.h"

namespace lodestone {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 8;

/// Paths of pictures below the root, by class name (both sorted).
using Found = std::map<std::string, std::vector<std::string>>;

void add_picture(const fs::path& root, const fs::path& file, Found& found) {
  const fs::path relative = file.lexically_relative(root);
  const std::string name = relative.parent_path().generic_string();
  if (name.empty())
    throw DataError("image folder: expected pictures inside class folders, got " + file.string() +
                    " directly in the root; move it into a folder named after its class");
  found[name].push_back(relative.generic_string());
}

Found walk(const fs::path& root) {
  std::error_code error;
  if (!fs::is_directory(root, error))
    throw DataError("image folder: expected a folder, got " + root.string() + ", which is " +
                    (fs::exists(root, error) ? "none" : "missing") + "; check `path`");
  Found found;
  // Class folders are often links into a larger collection. A link back up ends at the depth limit.
  fs::recursive_directory_iterator entry(root, fs::directory_options::follow_directory_symlink, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    const bool hidden = entry->path().filename().string().starts_with('.');
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      if (hidden || entry.depth() >= kMaxDepth) entry.disable_recursion_pending();
    } else if (!hidden && has_image_ending(entry->path().filename().string())) {
      add_picture(root, entry->path(), found);
    }
  }
  if (error) throw DataError("image folder: cannot walk " + root.string() + ": " + error.message());
  if (found.empty())
    throw DataError("image folder: expected root/class/*.png|jpg|jpeg|webp|pgm|ppm, got no pictures in " +
                    root.string() + "; check `path`");
  for (auto& [name, files] : found) std::sort(files.begin(), files.end());
  return found;
}

std::map<std::string, std::string> read_equivalences(const fs::path& file, const Found& found) {
  std::map<std::string, std::string> groups;
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    const auto tab = line.find('\t');
    const std::string where = file.string() + ":" + std::to_string(number);
    if (tab == std::string::npos || tab == 0 || tab + 1 == line.size())
      throw DataError("image folder: expected class<TAB>group, got '" + line + "' at " + where);
    const std::string name = line.substr(0, tab);
    if (!found.contains(name))
      throw DataError("image folder: expected the name of a class folder, got '" + name + "' at " + where +
                      "; correct or remove the line");
    if (!groups.emplace(name, line.substr(tab + 1)).second)
      throw DataError("image folder: class '" + name + "' has a second group at " + where);
  }
  return groups;
}

}  // namespace

std::shared_ptr<const ImageDataset> open_image_folder(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode) {
  const fs::path root(config.path);
  const Found found = walk(root);
  std::set<std::string> names;
  for (const auto& [name, files] : found)
    if (passes_filter(name, config.class_filter)) names.insert(name);
  if (names.empty())
    throw DataError("image folder: expected class_filter to keep a class, got none of the " +
                    std::to_string(found.size()) + " in " + root.string() + " (the first is '" +
                    found.begin()->first + "'); correct class_filter");
  auto images = std::make_shared<ImageFiles>(
      root, ClassTable(names, read_equivalences(root / "equivalences.tsv", found)), decode);
  for (const std::string& name : names)
    for (const std::string& file : found.at(name)) images->add_file(file, name);
  return images;
}

}  // namespace lodestone
