#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include <sys/stat.h>

#include "common/error.h"
#include "sampler/image_files.h"
#include "sampler/image_source.h"

namespace lodestone {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDepth = 8;
constexpr int64_t kMaxFolders = 1 << 20;  // links between a few folders can lead to any number
constexpr const char* kEquivalences = "equivalences.tsv";

/// Paths of pictures below the root, by class name (both sorted), and what else there is.
struct Found {
  std::map<std::string, std::vector<std::string>> pictures;
  LeftOut left_out;
};

/// Looks through a folder and, if it is `deep`, those below it, where pictures have to be.
class Walk {
 public:
  Walk(fs::path root, bool deep) : root_(std::move(root)), deep_(deep) {}

  Found run() {
    look_into(root_, "");
    for (auto& [name, files] : found_.pictures) std::sort(files.begin(), files.end());
    found_.left_out.add(unread_.left_out());
    return std::move(found_);
  }

 private:
  // Class folders are often links into a larger collection; a link to a folder that leads here would never end.
  void look_into(const fs::path& folder, const std::string& name) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) fail(folder, std::generic_category().message(errno));
    const Place place{status.st_dev, status.st_ino};
    if (std::find(above_.begin(), above_.end(), place) != above_.end())
      return found_.left_out.add("links to a folder that leads to them, which was looked through already",
                                 name);
    if (++folders_ > kMaxFolders)
      fail(folder, "it is the " + std::to_string(kMaxFolders + 1) +
                       "th folder that is met; links may lead to the same ones again and again");
    if (above_.size() > kMaxDepth)
      return found_.left_out.add("folders more than 8 deep, which are not looked into; move them up", name);
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
      found_.left_out.add("hidden files or folders (.*)", relative);
    else if (entry.is_directory(ignored) && !deep_)
      found_.left_out.add("folders beside pictures, which are not looked into", relative);
    else if (entry.is_directory(ignored))
      look_into(entry.path(), relative);
    else if (entry.is_regular_file(ignored))
      take_file(entry.path(), folder, relative);
    else if (entry.exists(ignored))
      found_.left_out.add("devices, FIFOs or sockets, which are not opened; remove them", relative);
    else
      found_.left_out.add("links that lead nowhere; mend or remove them", relative);
  }

  void take_file(const fs::path& file, const std::string& folder, const std::string& relative) {
    if (has_image_ending(relative))
      add_picture(file, folder, relative);
    else if (relative != kEquivalences)
      unread_.add(lower_case(file.extension().string()), relative);
  }

  void add_picture(const fs::path& file, const std::string& folder, const std::string& relative) {
    if (folder.empty() && deep_)
      throw DataError("image folder: expected pictures inside class folders, got " + file.string() +
                      " directly in the root; move it into a folder named after its class");
    found_.pictures[folder].push_back(relative);
  }

  [[noreturn]] static void fail(const fs::path& folder, const std::string& reason) {
    throw DataError("image folder: cannot look into " + folder.string() + ": " + reason +
                    "; allow it to be read, or remove it");
  }

  using Place = std::pair<dev_t, ino_t>;
  fs::path root_;
  bool deep_;
  int64_t folders_ = 0;
  std::vector<Place> above_;  // the folders that lead to the present one
  Found found_;
  UnreadEndings unread_{"files"};
};

Found look_through(const fs::path& root) {
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    UnreadEndings file("files");
    const bool exists = fs::exists(root, error);
    if (exists && !has_image_ending(root)) file.add(lower_case(root.extension()), root);
    throw DataError("image folder: expected a folder, got " + root.string() + ", which is " +
                    (exists ? "none" : "missing") + "; check `path`" + file.left_out().clause());
  }
  Found found = Walk(root, true).run();
  if (!found.pictures.empty()) return found;
  throw DataError("image folder: expected root/class/*.png|jpg|jpeg|webp|pgm|ppm, got no pictures in " +
                  root.string() + "; check `path`" + found.left_out.clause());
}

std::map<std::string, std::string> read_equivalences(const fs::path& file, const Found& found) {
  std::map<std::string, std::string> groups;
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return groups;
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
    if (!found.pictures.contains(name))
      throw DataError("image folder: expected the name of a class folder, got '" + name + "' at " + where +
                      "; correct or remove the line");
    if (!groups.emplace(name, line.substr(tab + 1)).second)
      throw DataError("image folder: class '" + name + "' has a second group at " + where);
  }
  return groups;
}

}  // namespace

std::shared_ptr<const ImageDataset> open_loose_images(const std::string& folder,
                                                      const DecodeOptions& decode) {
  const Found found = Walk(folder, false).run();
  const auto loose = found.pictures.find("");
  if (loose == found.pictures.end()) return nullptr;
  auto images = std::make_shared<ImageFiles>(folder, ClassTable({""}, {}), decode);
  for (const std::string& file : loose->second) images->add_file(file, "");
  images->leave_out(found.left_out);
  return images;
}

std::shared_ptr<const ImageDataset> open_image_folder(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode) {
  const fs::path root(config.path);
  const Found found = look_through(root);
  std::set<std::string> names;
  for (const auto& [name, files] : found.pictures)
    if (passes_filter(name, config.class_filter)) names.insert(name);
  if (names.empty())
    throw DataError("image folder: expected class_filter to keep a class, got none of the " +
                    std::to_string(found.pictures.size()) + " in " + root.string() + " (the first is '" +
                    found.pictures.begin()->first + "'); correct class_filter");
  auto images = std::make_shared<ImageFiles>(
      root, ClassTable(names, read_equivalences(root / kEquivalences, found)), decode);
  for (const std::string& name : names)
    for (const std::string& file : found.pictures.at(name)) images->add_file(file, name);
  images->leave_out(found.left_out);
  return images;
}

}  // namespace lodestone
