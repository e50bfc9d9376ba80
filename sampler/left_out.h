#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lodestone {

/// What was left out of a data set while it was opened: how much, why, and an example of each reason. Each reader adds to it where it
/// passes something over; the start of a run tells it once.
///
///   left_out.add("files of a format that is not read (*.bmp); convert them to PNG", "cats/1.bmp");
///   left_out.sentences();   // "44 files of a format that is not read (*.bmp); convert them to PNG; the first: cats/1.bmp"
class LeftOut {
 public:
  /// `reason` follows a number: "files of …", "lines that …", and ends with the remedy.
  void add(const std::string& reason, const std::string& example, int64_t count = 1);
  void add(const LeftOut& other);

  bool empty() const { return reasons_.empty(); }
  int64_t count() const;
  /// One for each reason, in the order of the reasons' text.
  std::vector<std::string> sentences() const;

 private:
  struct Reason {
    int64_t count = 0;
    std::string example;
  };
  std::map<std::string, Reason> reasons_;
};

}  // namespace lodestone
