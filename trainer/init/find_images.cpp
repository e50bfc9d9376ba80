#include <algorithm>

#include "common/counted.h"
#include "common/error.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "sampler/sources/image_files.h"
#include "trainer/init/find.h"

namespace lodestone::init {

namespace {

constexpr int kDeepest = 8;            // as the reader of class folders
constexpr size_t kFoldersLooked = 50;  // of each folder

bool has_image(const Place& place) {
  return std::ranges::any_of(place.files, sampler::has_image_ending);
}

// Whether an image lies somewhere below, in one of the first folders.
bool has_images_below(const Place& place, int depth = 0) {
  if (depth > kDeepest) return false;
  for (size_t f = 0; f < std::min(kFoldersLooked, place.folders.size()); ++f) {
    const Place inner = look_at(place.below(place.folders[f]));
    if (has_image(inner) || has_images_below(inner, depth + 1)) return true;
  }
  return false;
}

bool is_idx(const std::string& name) {
  return name.find("images-idx3") != std::string::npos;
}

}  // namespace

bool has_idx(const Place& place) {
  return place.is_folder ? std::ranges::any_of(place.files, is_idx) : is_idx(small_name(place.path));
}

Finding find_idx(const Place& place) {
  Finding finding;
  finding.what = "IDX files, as MNIST's";
  if (!place.is_folder) {
    finding.train.path = place.path;
    return finding;
  }
  std::vector<std::string> names;
  std::ranges::copy_if(place.files, std::back_inserter(names), is_idx);
  const std::vector<UseGroup> groups = groups_by_use(names);
  if (groups.empty()) {
    finding.train.path = place.below(names.front());
    return finding;
  }
  finding.train.path = place.below(groups.front().train.front());
  if (!groups.front().evaluate.empty()) finding.evaluate.path = place.below(groups.front().evaluate.front());
  return finding;
}

bool has_class_folders(const Place& place) {
  return place.is_folder && !place.folders.empty() && has_images_below(place);
}

Finding find_class_folders(const Place& place) {
  Finding finding;
  finding.what = "a folder of class folders";
  finding.train.path = place.path;
  const std::vector<UseGroup> groups = groups_by_use(place.folders);
  if (groups.empty()) return finding;
  const UseGroup& group = groups.front();
  const Place train = look_at(place.below(group.train.front()));
  if (!has_class_folders(train)) return finding;  // a class that has such a name
  finding.what = "folders of class folders, one for each split";
  finding.train.path = train.path;
  if (!group.evaluate.empty()) finding.evaluate.path = place.below(group.evaluate.front());
  note_kept(place, group.kept, finding.others);
  std::vector<std::string> rest;
  for (const std::string& name : place.folders)
    if (!use_of(name)) rest.push_back(printable(name));
  if (!rest.empty()) finding.others.push_back("not used: " + joined(rest));
  return finding;
}

}  // namespace lodestone::init
