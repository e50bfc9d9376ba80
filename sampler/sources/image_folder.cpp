#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include <sys/stat.h>

#include "common/error.h"
#include "common/file_kind.h"
#include "common/printable.h"
#include "sampler/files/positioned_file.h"
#include "sampler/sources/filtered_images.h"
#include "sampler/sources/image_files.h"
#include "sampler/sources/image_source.h"

namespace lodestone::sampler {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDepth = 8;
constexpr int64_t kMaxFolders = 1 << 20;  // links between a few folders can form any number of paths
constexpr const char* kEquivalences = "equivalences.tsv";

/// Paths of images below the root, by class name (both sorted), and what was left out.
struct Found {
  std::map<std::string, std::vector<std::string>> images;
  LeftOut left_out;
};

/// Walks through a folder and, if `deep`, through the folders below it, where images must be.
class Walk {
 public:
  Walk(fs::path root, bool deep) : root_(std::move(root)), deep_(deep) {}

  Found run() {
    look_into(root_, "");
    for (auto& [name, files] : found_.images) std::sort(files.begin(), files.end());
    found_.left_out.add(unread_.left_out());
    return std::move(found_);
  }

 private:
  // Class folders are often links into a larger collection; a link to a folder above it would never end.
  void look_into(const fs::path& folder, const std::string& name) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) fail(folder, std::generic_category().message(errno));
    const Place place{status.st_dev, status.st_ino};
    if (std::find(above_.begin(), above_.end(), place) != above_.end())
      return found_.left_out.add("link|links to a folder above, which was looked through already", name);
    if (++folders_ > kMaxFolders)
      fail(folder, "it is the " + std::to_string(kMaxFolders + 1) +
                       "th folder; links may lead to the same folders repeatedly");
    if (above_.size() > kMaxDepth)
      return found_.left_out.add("folder|folders more than 8 deep, never looked into; move images up", name);
    above_.push_back(place);
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
      take(*entry, name);
    if (error) fail(folder, error.message());
    above_.pop_back();
  }

  void take(const fs::directory_entry& entry, const std::string& folder) {
    const std::string file = entry.path().filename().string();
    const std::string relative = folder.empty() ? file : folder + "/" + file;
    std::error_code ignored;
    if (file.starts_with('.'))
      found_.left_out.add("entry|entries with a hidden name (.*)", relative);
    else if (entry.is_directory(ignored) && !deep_)
      found_.left_out.add("folder|folders beside images, never looked into", relative);
    else if (entry.is_directory(ignored))
      look_into(entry.path(), relative);
    else if (entry.is_regular_file(ignored))
      take_file(entry.path(), folder, relative);
    else if (entry.exists(ignored))
      found_.left_out.add("entry|entries of the kind device, FIFO or socket, never opened", relative);
    else
      found_.left_out.add("link|links to nothing; repair or remove", relative);
  }

  void take_file(const fs::path& file, const std::string& folder, const std::string& relative) {
    if (has_image_ending(relative))
      add_image(file, folder, relative);
    else if (relative != kEquivalences)
      unread_.add(lower_case(file.extension().string()), relative);
  }

  void add_image(const fs::path& file, const std::string& folder, const std::string& relative) {
    if (folder.empty() && deep_)
      throw DataError("image folder: expected images inside class folders, got " + file.string() +
                      " directly in the root; move it into a folder named after its class");
    found_.images[folder].push_back(relative);
  }

  [[noreturn]] static void fail(const fs::path& folder, const std::string& reason) {
    throw DataError("image folder: cannot read the folder " + folder.string() + ": " + reason +
                    "; change its permissions, or remove it");
  }

  using Place = std::pair<dev_t, ino_t>;
  fs::path root_;
  bool deep_;
  int64_t folders_ = 0;
  std::vector<Place> above_;  // the folders above the current one
  Found found_;
  UnreadEndings unread_{"file|files"};
};

// The kind of the file at `path`; null if that is not known. A FIFO or a device is not opened.
const FileKind* kind_at(const fs::path& path) {
  try {
    const PositionedFile file(path.string());
    const auto begin = file.read(0, std::min<int64_t>(file.size(), 16));
    return file_kind({reinterpret_cast<const char*>(begin.data()), begin.size()});
  } catch (const DataError&) {
    return nullptr;
  }
}

Found look_through(const fs::path& root) {
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    UnreadEndings file("file|files");
    const bool exists = fs::exists(root, error);
    if (!exists)
      throw DataError("image folder: expected a folder, got " + root.string() +
                      ", which is missing; check `path`");
    const FileKind* kind = kind_at(root);
    if (kind == nullptr && !has_image_ending(root)) file.add(lower_case(root.extension()), root);
    throw DataError("image folder: expected a folder of class folders with images, got " + root.string() +
                    ", which is " + kind_and_remedy(kind, "a file; check `path`") + file.left_out().clause());
  }
  Found found = Walk(root, true).run();
  if (!found.images.empty()) return found;
  throw DataError("image folder: expected root/class/*.png|jpg|jpeg|webp|pgm|ppm, got no images in " +
                  root.string() + "; check `path`" + found.left_out.clause());
}

using Groups = std::map<std::string, std::string>;  // by class name

// Parses a line of equivalences.tsv; `where` is its place, for messages.
void add_equivalence(const std::string& line, const std::string& where, const Found& found, Groups& groups) {
  const auto refuse = [&where](const std::string& expected, const std::string& got) {
    throw DataError("image folder: expected " + expected + ", got '" + printable(got.substr(0, 200)) +
                    "' at " + where + "; correct or remove the line");
  };
  const auto tab = line.find('\t');
  if (tab == std::string::npos || tab == 0 || tab + 1 == line.size()) refuse("class<TAB>group", line);
  const std::string name = line.substr(0, tab);
  if (!found.images.contains(name)) refuse("the name of a class folder", name);
  if (!groups.emplace(name, line.substr(tab + 1)).second) refuse("each class once", name);
}

// Adds to `left_out` the lines that cannot be used.
Groups read_equivalences(const fs::path& file, const Found& found, const BadRecordConfig& bad_records,
                         LeftOut& left_out) {
  constexpr size_t kMessages = 20;
  Groups groups;
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return groups;
  std::ifstream in(file);
  std::string line;
  int64_t lines = 0, bad = 0;
  std::vector<std::string> messages;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    ++lines;
    try {
      add_equivalence(line, file.string() + ":" + std::to_string(number), found, groups);
    } catch (const DataError& error) {
      if (!bad_records.skips()) throw;
      if (++bad; messages.size() < kMessages) messages.emplace_back(error.what());
    }
  }
  check_bad_share(bad, lines, bad_records, messages);
  if (bad > 0)
    left_out.add("line|lines of equivalences.tsv in error (on_bad_record: skip); correct the file",
                 messages.front(), bad);
  return groups;
}

}  // namespace

std::shared_ptr<const ImageDataset> open_loose_images(const std::string& folder,
                                                      const DecodeOptions& decode) {
  const Found found = Walk(folder, false).run();
  const auto loose = found.images.find("");
  if (loose == found.images.end()) return nullptr;
  auto images = std::make_shared<ImageFiles>(folder, ClassTable({""}, {}), decode);
  for (const std::string& file : loose->second) images->add_file(file, "");
  images->leave_out(found.left_out);
  return images;
}

std::shared_ptr<IndexedImages> open_filtered_folder(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records, ClassFilter& filter) {
  const fs::path root(config.path);
  Found found = look_through(root);
  std::set<std::string> names;
  for (const auto& [name, files] : found.images)
    if (filter.passes(name)) names.insert(name);
  if (names.empty())
    throw DataError("image folder: expected class_filter to keep a class, got none of the " +
                    std::to_string(found.images.size()) + " in " + root.string() + " (the first is '" +
                    found.images.begin()->first + "'); correct class_filter");
  const Groups groups = read_equivalences(root / kEquivalences, found, bad_records, found.left_out);
  auto images = std::make_shared<ImageFiles>(root, ClassTable(names, groups), decode);
  for (const std::string& name : names)
    for (const std::string& file : found.images.at(name)) images->add_file(file, name);
  images->leave_out(found.left_out);
  return images;
}

}  // namespace lodestone::sampler
