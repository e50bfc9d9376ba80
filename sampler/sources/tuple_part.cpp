#include "sampler/sources/tuple_part.h"

#include <filesystem>

#include "sampler/sources/image_source.h"

namespace lodestone::sampler {

namespace {

namespace fs = std::filesystem;

std::string class_of(const std::string& path) {
  return fs::path(path).lexically_normal().parent_path().string();
}

}  // namespace

TuplePart::TuplePart(const std::string& list, const DataPart& part) : part_(part) {
  if (part.is_whole() || part.of == PartOf::kSamples) return;
  ImageSourceConfig folders;
  folders.path = fs::path(list).parent_path().string();
  if (folders.path.empty()) folders.path = ".";
  const auto images = open_image_folder(folders, {});
  const std::vector<double> numbers = class_numbers(*images);
  for (int64_t c = 0; c < images->classes(); ++c)
    numbers_.emplace(images->class_name(c), numbers[static_cast<size_t>(c)]);
}

bool TuplePart::knows(const std::string& path) const {
  return part_.of == PartOf::kSamples || numbers_.contains(class_of(path));
}

bool TuplePart::has(const std::string& path) const {
  return part_.has(part_.of == PartOf::kSamples ? part_number(path) : numbers_.at(class_of(path)));
}

}  // namespace lodestone::sampler
