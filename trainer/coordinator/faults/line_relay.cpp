#include "trainer/coordinator/faults/line_relay.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/files.h"
#include "common/foreign_line.h"

namespace lodestone::coordinator {

namespace {

constexpr size_t kLongestBox = 64;

// mpirun frames its messages with such lines.
bool is_rule(std::string_view line) {
  return line.size() >= 60 && line.find_first_not_of('-') == std::string_view::npos;
}

// Whether a message only states that a rank ended with an exit code, which the supervisor reports too.
bool reports_exit_code(const std::vector<std::string>& box) {
  return std::any_of(box.begin(), box.end(), [](const std::string& line) {
    return line.starts_with("Primary job  terminated normally") ||
           line.find("exited with non-zero status") != std::string::npos;
  });
}

}  // namespace

LineRelay::LineRelay(Log log) : log_(std::move(log)) {
  if (::pipe2(ends_, O_CLOEXEC) != 0)
    throw IoError(std::string("launch: no pipe for the job's messages: ") + std::strerror(errno));
  ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  ending_ = ::eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { run(); });
}

LineRelay::~LineRelay() {
  const uint64_t one = 1;
  // The end of the pipe is no signal to stop: a process that outlived the job may still hold it.
  while (::write(ending_, &one, sizeof one) < 0 && errno == EINTR) continue;
  thread_.join();
  for (const int fd : {ends_[0], ends_[1], ending_}) ::close(fd);
}

void LineRelay::run() {
  std::array<pollfd, 2> waited{{{ends_[0], POLLIN, 0}, {ending_, POLLIN, 0}}};
  while (waited[1].revents == 0) {
    if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) break;
    while (read_some()) continue;
  }
  lines_.finish([this](std::string_view line) { pass_on(line); });
  pass_on_box();
}

// Returns false if no data is available at the moment.
bool LineRelay::read_some() {
  std::array<char, 4096> bytes;
  const ssize_t got = ::read(ends_[0], bytes.data(), bytes.size());
  if (got <= 0) return false;
  lines_.take({bytes.data(), static_cast<size_t>(got)}, [this](std::string_view line) { pass_on(line); });
  return true;
}

void LineRelay::pass_on(std::string_view line) {
  if (line.empty()) return;
  if (!is_log_line(line)) return pass_on_foreign(line);
  const std::string whole = std::string(line) + "\n";
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

void LineRelay::pass_on_foreign(std::string_view line) {
  // One line for every repetition of a stop by the supervisor.
  if (line.starts_with("mpirun: Forwarding signal ") && std::exchange(reported_forwarding_, true)) return;
  if (box_.empty() && !is_rule(line))
    return write_foreign_line(*log_, read_foreign_line(line, Logger::Level::kWarn));
  box_.emplace_back(line);
  if ((box_.size() > 1 && is_rule(line)) || box_.size() == kLongestBox) pass_on_box();
}

// Logs a framed message as a whole, since its contents determine the level. The frame is left out.
void LineRelay::pass_on_box() {
  const auto level = reports_exit_code(box_) ? Logger::Level::kInfo : Logger::Level::kWarn;
  for (const std::string& line : std::exchange(box_, {}))
    if (!is_rule(line)) write_foreign_line(*log_, read_foreign_line(line, level));
}

}  // namespace lodestone::coordinator
