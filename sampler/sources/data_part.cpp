#include "sampler/sources/data_part.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/keys_without_effect.h"
#include "sampler/sources/encoded_images.h"

namespace lodestone::sampler {

namespace {

constexpr Choice<PartOf> kPartsOf[] = {{"classes", PartOf::kClasses}, {"samples", PartOf::kSamples}};

class PartOfImages : public ImageDataset, public EncodedImages {
 public:
  PartOfImages(std::shared_ptr<const ImageDataset> base, const DataPart& part) : base_(std::move(base)) {
    const std::vector<double> of_class =
        part.of == PartOf::kClasses ? class_numbers(*base_) : std::vector<double>();
    std::vector<bool> used(static_cast<size_t>(base_->classes()));
    for (int64_t i = 0; i < base_->size(); ++i) {
      const auto c = static_cast<size_t>(base_->label(i));
      if (!part.has(of_class.empty() ? part_number(base_->id(i)) : of_class[c])) continue;
      samples_.push_back(i);
      used[c] = true;
    }
    number_classes(used);
  }

  int64_t size() const override { return static_cast<int64_t>(samples_.size()); }
  int64_t label(int64_t i) const override { return class_of_[static_cast<size_t>(base_->label(at(i)))]; }
  uint64_t id(int64_t i) const override { return base_->id(at(i)); }
  std::string key(int64_t i) const override { return base_->key(at(i)); }
  int64_t classes() const override { return static_cast<int64_t>(classes_.size()); }
  std::string class_name(int64_t c) const override {
    return base_->class_name(classes_.at(static_cast<size_t>(c)));
  }
  int64_t group(int64_t c) const override { return groups_.at(static_cast<size_t>(c)); }
  bool is_query(int64_t i) const override { return base_->is_query(at(i)); }
  bool is_gallery(int64_t i) const override { return base_->is_gallery(at(i)); }
  std::vector<Source> sources() const override {
    std::vector<Source> all = base_->sources();
    for (Source& source : all)
      source.begin = std::ranges::lower_bound(samples_, source.begin) - samples_.begin();
    return all;
  }
  LeftOut left_out() const override { return base_->left_out(); }
  Image get(int64_t i) const override { return base_->get(at(i)); }
  std::vector<std::byte> encoded(int64_t i) const override { return encoded_image(*base_, at(i)); }

 private:
  int64_t at(int64_t i) const { return samples_.at(static_cast<size_t>(i)); }

  void number_classes(const std::vector<bool>& used) {
    std::map<int64_t, int64_t> numbers;
    class_of_.assign(used.size(), -1);
    for (size_t c = 0; c < used.size(); ++c) {
      if (!used[c]) continue;
      class_of_[c] = classes();
      classes_.push_back(static_cast<int64_t>(c));
      const auto next = static_cast<int64_t>(numbers.size());
      groups_.push_back(numbers.try_emplace(base_->group(static_cast<int64_t>(c)), next).first->second);
    }
  }

  std::shared_ptr<const ImageDataset> base_;
  std::vector<int64_t> samples_;                      // of the base
  std::vector<int64_t> class_of_, classes_, groups_;  // class by the base's, and the reverse
};

}  // namespace

double part_number(uint64_t id) {
  return static_cast<double>(id >> 11) * 0x1p-53;
}

double part_number(std::string_view name) {
  return part_number(sample_id(name));
}

std::vector<double> class_numbers(const Dataset& data) {
  std::map<int64_t, std::string> first;
  for (int64_t c = 0; c < data.classes(); ++c) {
    const std::string name = data.class_name(c);
    const auto [found, is_new] = first.try_emplace(data.group(c), name);
    if (!is_new && name < found->second) found->second = name;
  }
  std::vector<double> numbers;
  for (int64_t c = 0; c < data.classes(); ++c) numbers.push_back(part_number(first.at(data.group(c))));
  return numbers;
}

bool DataPart::has(std::string_view name) const {
  return has(part_number(name));
}

void DataPart::visit(Fields& f) {
  f.choice({.name = "of",
            .doc = "classes: a class is in the part as a whole (of rows without classes: the rows that share "
                   "texts); samples: each sample, or the rows of one first text, by itself"},
           &of, kPartsOf);
  f.field({.name = "from", .doc = "smallest number of the part", .min = 0, .max = 1}, &from);
  f.field({.name = "to", .doc = "end of the part: all its numbers are smaller", .min = 0, .max = 1}, &to);
  if (from >= to) refuse_given(f, "to", "expected a number above `from`", "from");
}

std::shared_ptr<const ImageDataset> part_of_images(std::shared_ptr<const ImageDataset> images,
                                                   const DataPart& part) {
  if (part.is_whole()) return images;
  auto found = std::make_shared<PartOfImages>(std::move(images), part);
  if (found->size() == 0)
    throw DataError("data: expected samples in the part from " + std::to_string(part.from) + " to " +
                    std::to_string(part.to) + ", got none; make it larger");
  return found;
}

}  // namespace lodestone::sampler
