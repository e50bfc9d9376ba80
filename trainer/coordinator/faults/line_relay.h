#pragma once

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/line_splitter.h"
#include "common/log.h"

namespace lodestone::coordinator {

/// A pipe whose lines a thread forwards to stderr. Lines of a lodestone log are forwarded unchanged. Other
/// lines (from mpirun, ssh, C libraries) become lines of `log`, of level warn unless they state another
/// level. A framed message of mpirun about the exit code of a rank gets level info, because the process that
/// starts the job reports failures, and a stop that saves is not one. That mpirun passes a
/// signal on is said once. The destructor forwards what has
/// arrived by then.
/// Threads   construct it on a thread that blocks the signals that other threads wait for: the relay's thread
///           inherits that mask and takes none
class LineRelay {
 public:
  /// Throws    IoError if no pipe can be created
  explicit LineRelay(Log log);
  ~LineRelay();
  LineRelay(const LineRelay&) = delete;
  LineRelay& operator=(const LineRelay&) = delete;

  /// The descriptor for a child's stderr. It is closed on exec, so the child needs a duplicate.
  int writing_end() const { return ends_[1]; }

 private:
  void run();
  bool read_some();
  void pass_on(std::string_view line);
  void pass_on_foreign(std::string_view line);
  void pass_on_box();

  Log log_;
  int ends_[2] = {-1, -1};
  /// An eventfd that ends the thread.
  int ending_ = -1;
  LineSplitter lines_;
  /// Lines of an mpirun message framed by dashes, while its end has not arrived.
  std::vector<std::string> box_;
  /// Whether mpirun has said that it passes a signal on.
  bool reported_forwarding_ = false;
  std::thread thread_;
};

}  // namespace lodestone::coordinator
