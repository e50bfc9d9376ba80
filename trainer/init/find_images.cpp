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
  const auto chosen = choose_by_use(place, names, finding.others);
  finding.train.path = chosen ? chosen->train : place.below(names.front());
  if (chosen) finding.evaluate.path = chosen->evaluate;
  return finding;
}

bool has_class_folders(const Place& place) {
  return place.is_folder && !place.folders.empty() && has_images_below(place);
}

Finding find_class_folders(const Place& place) {
  Finding finding;
  finding.what = "a folder of class folders";
  finding.train.path = place.path;
  note_tables(place, finding.others);
  std::vector<std::string> others, rest;
  const auto chosen = choose_by_use(place, place.folders, others);
  // A class may have such a name.
  if (!chosen || !has_class_folders(look_at(chosen->train))) return finding;
  finding.what = "folders of class folders, one for each split";
  finding.train.path = chosen->train;
  finding.evaluate.path = chosen->evaluate;
  finding.others.insert(finding.others.end(), others.begin(), others.end());
  for (const std::string& name : place.folders)
    if (!use_of(name)) rest.push_back(printable(name));
  if (!rest.empty()) finding.others.push_back(joined(rest));
  return finding;
}

}  // namespace lodestone::init
