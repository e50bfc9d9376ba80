#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::sampler {

/// Stores many short texts in one block.
/// Memory    8 bytes and the text itself for each.
class NamePool {
 public:
  void add(std::string_view name) {
    text_ += name;
    ends_.push_back(text_.size());
  }
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  /// Throws std::out_of_range unless 0 <= i < size(). The view is valid until the next add.
  std::string_view at(int64_t i) const {
    const size_t end = ends_.at(static_cast<size_t>(i));
    const size_t begin = i == 0 ? 0 : ends_[static_cast<size_t>(i) - 1];
    return std::string_view(text_).substr(begin, end - begin);
  }

 private:
  std::string text_;
  std::vector<size_t> ends_;
};

}  // namespace lodestone::sampler
