#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lodestone::sampler {

/// Counts what was left out of a data set when it was opened, by reason, with one example of each reason.
/// Readers add to it; the start of a run logs it once.
///
///     LeftOut left_out;
///     left_out.add("file|files of a format that is not read (*.bmp); convert to PNG", "cats/1.bmp");
///     const auto sentences = left_out.sentences();
///     // "1 file of a format that is not read (*.bmp); convert to PNG; the first: cats/1.bmp"
class LeftOut {
 public:
  struct Reason {
    int64_t count = 0;
    std::string example;
  };

  /// `reason`: a word for one and for several ("line|lines without …"), what fits both, and the remedy.
  void add(const std::string& reason, const std::string& example, int64_t count = 1);
  void add(const LeftOut& other);

  bool empty() const { return reasons_.empty(); }
  int64_t count() const;
  /// One sentence per reason, sorted by reason.
  std::vector<std::string> sentences() const;
  /// The end of an error message about missing data: ". Left out: …; …"; "" if nothing was left out.
  std::string clause() const;
  /// Count and example, by reason.
  const std::map<std::string, Reason>& reasons() const { return reasons_; }

 private:
  std::map<std::string, Reason> reasons_;
};

}  // namespace lodestone::sampler
