#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lodestone {

/// Puts lines together from text that comes in pieces.
/// Memory    64 KiB beside the piece at hand: a line that goes on for longer is handed over in parts
/// Cost      in proportion to the text, however it is cut
class LineSplitter {
 public:
  /// Calls use(line), without its end, for each that ends in `text`.
  template <typename Use>
  void take(std::string_view text, const Use& use) {
    for (size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      begun_ += text.substr(0, end);
      hand_over(use);
    }
    begun_ += text;
    if (begun_.size() > kLongest) hand_over(use);
  }
  /// The line that has not ended, if there is one.
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
