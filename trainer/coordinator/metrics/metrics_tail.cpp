#include "trainer/coordinator/metrics/metrics_tail.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "common/files.h"
#include "common/json_reader.h"
#include "common/open_file.h"
#include "common/paths.h"

namespace lodestone::coordinator {

namespace {

using nlohmann::json;

constexpr uint64_t kBlock = uint64_t{64} << 10;
constexpr size_t kLongestLine = size_t{1} << 20;  // longer lines are not from this program

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw IoError("metrics: cannot " + std::string(what) + " " + path.string() + ": " +
                std::generic_category().message(errno) + "; check the permissions or choose another run_dir");
}

/// Reads a file line by line from its end.
class LinesBackwards {
 public:
  explicit LinesBackwards(const std::filesystem::path& path) : path_(path), fd_(open_regular(path, O_RDWR)) {
    if (fd_ < 0) fail(path_, "open");
    struct stat status {};
    if (::fstat(fd_, &status) != 0) fail(path_, "stat");
    size_ = begin_ = line_begin_ = static_cast<uint64_t>(status.st_size);
  }
  ~LinesBackwards() { ::close(fd_); }
  LinesBackwards(const LinesBackwards&) = delete;
  LinesBackwards& operator=(const LinesBackwards&) = delete;

  /// The line before the previous result, without its line break; first, the text after the last line break.
  /// Returns false at the beginning of the file.
  bool previous(std::string& line) {
    if (line_begin_ == 0 && started_) return false;
    const uint64_t line_end = started_ ? line_begin_ - 1 : size_;
    started_ = true;
    bool endless = false;
    size_t newline = std::string::npos;
    while ((newline = held_before(line_end)) == std::string::npos && begin_ > 0) {
      // Of a line that is too long only its length is kept.
      endless |= line_end - begin_ > kLongestLine;
      if (endless) held_.clear();
      read_block();
    }
    line_begin_ = newline == std::string::npos ? 0 : begin_ + newline + 1;
    line = endless || line_end - line_begin_ > kLongestLine
               ? std::string()
               : held_.substr(line_begin_ - begin_, line_end - line_begin_);
    held_.resize(std::min(held_.size(), static_cast<size_t>(line_begin_ - begin_)));
    return true;
  }
  /// Where the line of the last call begins.
  uint64_t line_begin() const { return line_begin_; }
  uint64_t size() const { return size_; }
  uint64_t bytes_read() const { return bytes_read_; }

  /// Writes `lines` at `offset` and truncates the file after them.
  /// Requires  they fit into the file
  void end_with(uint64_t offset, std::string_view lines) const {
    const uint64_t end = offset + lines.size();
    while (!lines.empty()) {
      const ssize_t written =
          ::pwrite(fd_, lines.data(), lines.size(), static_cast<off_t>(end - lines.size()));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail(path_, "write to");
      lines.remove_prefix(static_cast<size_t>(written));
    }
    if (::ftruncate(fd_, static_cast<off_t>(end)) != 0) fail(path_, "cut");
  }

 private:
  // Position, in the held bytes, of the line break before `line_end`.
  size_t held_before(uint64_t line_end) const {
    if (held_.empty() || line_end <= begin_) return std::string::npos;
    return held_.rfind('\n', static_cast<size_t>(line_end - begin_ - 1));
  }
  void read_block() {
    const uint64_t from = begin_ > kBlock ? begin_ - kBlock : 0;
    std::string block(static_cast<size_t>(begin_ - from), '\0');
    for (size_t done = 0; done < block.size();) {
      const ssize_t got =
          ::pread(fd_, block.data() + done, block.size() - done, static_cast<off_t>(from + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail(path_, "read");
      done += static_cast<size_t>(got);
    }
    bytes_read_ += block.size();
    held_ = std::move(block) + held_;
    begin_ = from;
  }

  std::filesystem::path path_;
  int fd_;
  uint64_t size_ = 0;
  uint64_t begin_ = 0;       // position of the held bytes
  uint64_t line_begin_ = 0;  // position of the line of the last call
  uint64_t bytes_read_ = 0;
  bool started_ = false;
  std::string held_;
};

bool is_later(const json& line, int64_t step) {
  const auto found = line.find("step");
  return found != line.end() && found->is_number() && found->get<double>() > static_cast<double>(step);
}

// Whether all lines before this one are kept.
bool is_step(const json& line) {
  const auto kind = line.find("kind");
  return kind != line.end() && *kind == "train" && line.contains("step");
}

}  // namespace

TailCut cut_metrics_tail(const std::filesystem::path& path, std::optional<int64_t> resume_step) {
  if (!path_exists(path)) return {};
  LinesBackwards lines(path);
  std::vector<std::string> stay;  // in reverse order
  std::string line;
  lines.previous(line);  // incomplete: the process died while writing
  uint64_t end = lines.line_begin(), kept = 0;
  while (resume_step && lines.previous(line)) {
    const json parsed = read_json(line).value_or(nullptr);
    if (parsed.is_object() && !is_later(parsed, *resume_step)) {
      if (is_step(parsed)) break;
      stay.push_back(line + "\n");
      kept += stay.back().size();
    }
    end = lines.line_begin();
  }
  TailCut cut{lines.bytes_read(), lines.size() - end - kept};
  if (cut.bytes_cut == 0) return cut;
  std::string tail;
  for (auto next = stay.rbegin(); next != stay.rend(); ++next) tail += *next;
  lines.end_with(end, tail);
  return cut;
}

}  // namespace lodestone::coordinator
