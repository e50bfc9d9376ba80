#include "sampler/texts/text_components.h"

#include <algorithm>

#include "sampler/dataset.h"
#include "sampler/sources/data_part.h"

namespace lodestone::sampler {

uint32_t TextComponents::node_of(const std::string& text) {
  const auto [found, is_new] = nodes_.try_emplace(sample_id(text), static_cast<uint32_t>(sets_.size()));
  if (is_new) {
    sets_.add();
    ids_.push_back(found->first);
  }
  return found->second;
}

void TextComponents::add_row(const std::vector<std::string>& texts) {
  const uint32_t first = node_of(texts.front());
  for (size_t t = 1; t < texts.size(); ++t) sets_.join(first, node_of(texts[t]));
  rows_.push_back(first);
  smallest_.clear();
}

void TextComponents::take_smallest() {
  if (!smallest_.empty()) return;
  smallest_ = ids_;
  for (uint32_t node = 0; node < ids_.size(); ++node) {
    uint64_t& smallest = smallest_[sets_.root(node)];
    smallest = std::min(smallest, ids_[node]);
  }
}

double TextComponents::number(const std::string& text) {
  take_smallest();
  return part_number(smallest_[sets_.root(nodes_.at(sample_id(text)))]);
}

std::vector<TextComponents::Component> TextComponents::all() {
  take_smallest();
  std::unordered_map<uint32_t, int64_t> rows;
  for (const uint32_t first : rows_) ++rows[sets_.root(first)];
  std::vector<Component> components;
  for (const auto& [root, count] : rows) components.push_back({part_number(smallest_[root]), count});
  std::ranges::sort(components, {}, [](const Component& one) { return std::pair(one.number, one.rows); });
  return components;
}

}  // namespace lodestone::sampler
