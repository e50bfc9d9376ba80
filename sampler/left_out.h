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
  struct Reason {
    int64_t count = 0;
    std::string example;
  };

  /// `reason` follows a number: "files of …", "lines that …", and ends with the remedy.
  void add(const std::string& reason, const std::string& example, int64_t count = 1);
  void add(const LeftOut& other);

  bool empty() const { return reasons_.empty(); }
  int64_t count() const;
  /// One for each reason, in the order of the reasons' text.
  std::vector<std::string> sentences() const;
  /// For the end of an error about what is missing: ". Passed over: …; …"; "" if nothing was.
  std::string clause() const;
  /// By the reason's text.
  const std::map<std::string, Reason>& reasons() const { return reasons_; }

 private:
  std::map<std::string, Reason> reasons_;
};

}  // namespace lodestone
