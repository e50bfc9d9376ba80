#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lodestone {

/// Assembles lines from text that arrives in pieces.
/// Cost      linear in the text, however it is divided; memory 64 KiB beside the current piece: a longer line
///           is passed on in parts.
class LineSplitter {
 public:
  /// Calls use(line), without the line end, for each line that ends in `text`.
  template <typename Use>
  void take(std::string_view text, const Use& use) {
    for (size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      begun_ += text.substr(0, end);
      hand_over(use);
    }
    begun_ += text;
    if (begun_.size() > kLongest) hand_over(use);
  }
  /// Calls use(line) for the line that has not ended, if there is one.
  template <typename Use>
  void finish(const Use& use) {
    if (!begun_.empty()) hand_over(use);
  }
  bool at_line_begin() const { return begun_.empty(); }

 private:
  static constexpr size_t kLongest = size_t{1} << 16;

  template <typename Use>
  void hand_over(const Use& use) {
    const std::string line = std::move(begun_);
    begun_.clear();
    use(std::string_view(line));
  }

  std::string begun_;
};

}  // namespace lodestone
