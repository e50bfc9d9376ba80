#include "trainer/encoders/exported/segments.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

namespace lodestone::encoders::exported {

namespace {

bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// The children of lists that a path goes through: "layer.3" and "layer.3.mlp.0" of "layer.3.mlp.0.linear".
std::vector<std::string> list_children(const std::string& path) {
  std::vector<std::string> all;
  for (size_t from = 0; from < path.size();) {
    const size_t end = std::min(path.find('.', from), path.size());
    if (is_number(std::string_view(path).substr(from, end - from))) all.push_back(path.substr(0, end));
    from = end + 1;
  }
  return all;
}

std::string list_of(const std::string& child) {
  return child.substr(0, child.rfind('.') == std::string::npos ? 0 : child.rfind('.'));
}

// The child that each step belongs to, at the depth of the list that has more than half of the steps; deeper
// where a list inside a child has more than half of the child's. "" for none.
std::vector<std::string> blocks_of(const std::vector<Step>& steps) {
  std::vector<std::vector<std::string>> children;
  std::map<std::string, size_t> in_list, in_child;
  std::map<std::string, std::set<std::string>> members;
  for (const Step& step : steps) {
    children.push_back(list_children(step.module));
    for (const std::string& child : children.back()) {
      ++in_list[list_of(child)], ++in_child[child];
      members[list_of(child)].insert(child);
    }
  }
  std::vector<std::string> blocks;
  for (const auto& path : children) {
    std::string block;
    for (const std::string& child : path) {
      const size_t around = block.empty() ? steps.size() : in_child.at(block);
      if (members.at(list_of(child)).size() < 2 || 2 * in_list.at(list_of(child)) <= around) break;
      block = child;
    }
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

std::vector<Segment> segments_of(const std::vector<Step>& steps, const std::vector<Slot>& returned) {
  std::map<Slot, size_t> last_read;
  for (size_t i = 0; i < steps.size(); ++i)
    for (const Slot slot : steps[i].reads) last_read[slot] = i;
  for (const Slot slot : returned) last_read[slot] = steps.size();
  const std::vector<std::string> blocks = blocks_of(steps);
  std::vector<Segment> all;
  for (size_t i = 0; i < steps.size();) {
    Segment segment{i, i, {}, {}};
    while (segment.end < steps.size() && blocks[segment.end] == blocks[i]) ++segment.end;
    std::set<Slot> made, inputs;
    for (size_t k = i; k < segment.end; ++k) {
      for (const Slot slot : steps[k].reads)
        if (!made.contains(slot)) inputs.insert(slot);
      made.insert(steps[k].results.begin(), steps[k].results.end());
    }
    segment.inputs.assign(inputs.begin(), inputs.end());
    for (const Slot slot : made)
      if (const auto read = last_read.find(slot); read != last_read.end() && read->second >= segment.end)
        segment.outputs.push_back(slot);
    i = segment.end;
    if (!blocks[segment.begin].empty()) all.push_back(std::move(segment));
  }
  return all;
}

}  // namespace lodestone::encoders::exported
