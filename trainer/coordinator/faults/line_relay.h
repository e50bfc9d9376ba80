#pragma once

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/line_splitter.h"
#include "common/log.h"

namespace lodestone {

/// A pipe whose lines go to stderr: as they are if they are lines of a lodestone log, else as lines of `log`, of level warn unless they
/// name another: what mpirun, ssh and C libraries say. What mpirun frames to say that a rank ended with an exit code is of level info:
/// a stop that saves is no failure, and what is one is told by who starts the job. A thread of its own reads. The destructor passes on what
/// there is by then.
/// Threads    construct where the signals that others wait for are blocked: the thread takes none
class LineRelay {
 public:
  /// Throws IoError if there is no pipe.
  explicit LineRelay(Log log);
  ~LineRelay();
  LineRelay(const LineRelay&) = delete;
  LineRelay& operator=(const LineRelay&) = delete;

  /// For a child's stderr; closed on exec, so the child gets a copy.
  int writing_end() const { return ends_[1]; }

 private:
  void run();
  bool read_some();
  void pass_on(std::string_view line);
  void pass_on_foreign(std::string_view line);
  void pass_on_box();

  Log log_;
  int ends_[2] = {-1, -1};
  int ending_ = -1;  ///< an eventfd
  LineSplitter lines_;
  std::vector<std::string> box_;  ///< of mpirun, framed by lines of dashes, without its end
  std::thread thread_;
};

}  // namespace lodestone
