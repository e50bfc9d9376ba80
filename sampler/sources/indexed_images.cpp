#include "sampler/sources/indexed_images.h"

namespace lodestone::sampler {

ClassTable::ClassTable(const std::set<std::string>& names,
                       const std::map<std::string, std::string>& look_alikes)
    : names_(names.begin(), names.end()) {
  std::map<std::string, int64_t> group_indices;
  int64_t next_group = 0;
  for (const std::string& name : names_) {
    indices_.emplace(name, static_cast<int64_t>(indices_.size()));
    const auto declared = look_alikes.find(name);
    if (declared == look_alikes.end()) {
      groups_.push_back(next_group++);
      continue;
    }
    const auto [entry, is_new] = group_indices.emplace(declared->second, next_group);
    if (is_new) ++next_group;
    groups_.push_back(entry->second);
  }
}

}  // namespace lodestone::sampler
