#include "sampler/class_members.h"

#include <string>

#include "common/error.h"

namespace lodestone::sampler {

void PkConfig::visit(Fields& f) {
  f.field(
      {.name = "samples_per_class", .doc = "number of samples of each class in a global batch (K)", .min = 1},
      &samples_per_class);
  f.field({.name = "allow_small_classes",
           .doc = "whether a class with fewer samples repeats them; false: such a class is an error"},
          &allow_small_classes);
}

ClassMembers::ClassMembers(const Dataset& dataset)
    : begins_(static_cast<size_t>(dataset.classes()) + 1), samples_(static_cast<size_t>(dataset.size())) {
  for (int64_t i = 0; i < dataset.size(); ++i) ++begins_[static_cast<size_t>(dataset.label(i)) + 1];
  for (size_t c = 1; c < begins_.size(); ++c) begins_[c] += begins_[c - 1];
  std::vector<size_t> next(begins_.begin(), begins_.end() - 1);
  for (int64_t i = 0; i < dataset.size(); ++i) samples_[next[static_cast<size_t>(dataset.label(i))]++] = i;
}

void check_classes(const char* sampler, const Dataset& dataset, const ClassMembers& members,
                   const PkConfig& config, int64_t global_batch) {
  const std::string name = std::string(sampler) + ": ";
  const int64_t k = config.samples_per_class;
  if (k < 1 || global_batch < k || global_batch % k != 0)
    throw ConfigError(name + "expected global_batch to be a positive multiple of samples_per_class, got " +
                      std::to_string(global_batch) + " and " + std::to_string(k) + "; change one of them");
  if (members.classes() < global_batch / k)
    throw DataError(name + "expected at least " + std::to_string(global_batch / k) +
                    " classes (global_batch / samples_per_class), got " + std::to_string(members.classes()) +
                    "; set global_batch: " + std::to_string(members.classes() * k) +
                    " or lower, raise samples_per_class, or add classes");
  int64_t smallest = 0;
  for (int64_t c = 1; c < members.classes(); ++c)
    if (members.of(c).size() < members.of(smallest).size()) smallest = c;
  const auto fewest = static_cast<int64_t>(members.of(smallest).size());
  if (fewest >= (config.allow_small_classes ? 1 : k)) return;
  const std::string class_name = dataset.class_name(smallest);
  throw DataError(
      name + "expected at least " + std::to_string(k) + " samples in every class, got " +
      std::to_string(fewest) + " in class '" + class_name +
      "'; lower samples_per_class, set allow_small_classes: true to repeat samples, or leave the class out "
      "with class_filter: ['!" +
      class_name + "']");
}

}  // namespace lodestone::sampler
