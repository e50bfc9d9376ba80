#include "trainer/coordinator/metrics_log.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "common/files.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

using nlohmann::json;

// Calls use(line text, line as JSON) for each line that is a whole JSON object.
template <typename Use>
void for_each_line(std::string_view text, const Use& use) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return;  // torn: the process died while it wrote
    json line = json::parse(text.substr(0, end), nullptr, false);
    if (line.is_object()) use(text.substr(0, end + 1), std::move(line));
    text.remove_prefix(end + 1);
  }
}

bool is_later(const json& line, int64_t step) {
  const auto found = line.find("step");
  return found != line.end() && found->is_number() && found->get<double>() > static_cast<double>(step);
}

// Leaves what a resumed run continues from.
void drop_torn_and_later(const fs::path& path, std::optional<int64_t> resume_step) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  const std::string before = read_file(path, UINT64_MAX);
  std::string after;
  for_each_line(before, [&](std::string_view text, const json& line) {
    if (!resume_step || !is_later(line, *resume_step)) after += text;
  });
  if (after != before) write_file_atomic(path, after);
}

}  // namespace

MetricsLog::MetricsLog(fs::path path, std::optional<int64_t> resume_step, Warn warn)
    : path_(std::move(path)), warn_(std::move(warn)) {
  drop_torn_and_later(path_, resume_step);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0)
    throw IoError("metrics: cannot open " + path_.string() + ": " + std::generic_category().message(errno) +
                  "; check the permissions or choose another run_dir");
}

MetricsLog::~MetricsLog() {
  ::close(fd_);
}

bool MetricsLog::train(const StepMetrics& metrics) {
  return append(to_json(metrics), "train");
}

bool MetricsLog::eval(int64_t step, std::string_view split, const json& measures) {
  json line = measures.is_object() ? measures : json::object();
  line["step"] = step;
  line["split"] = split;
  return append(std::move(line), "eval");
}

bool MetricsLog::event(int64_t step, std::string_view what, const json& details) {
  json line = details.is_object() ? details : json::object();
  line["step"] = step;
  line["event"] = what;
  return append(std::move(line), "event");
}

bool MetricsLog::append(json line, std::string_view kind) {
  line["kind"] = kind;
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  ssize_t written = 0;
  do {
    written = ::write(fd_, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(text.size())) return true;

  const std::string reason = written < 0 ? std::generic_category().message(errno) : "the disk is full";
  if (written > 0 && ::ftruncate(fd_, before) != 0) return lost(reason + ", and half a line stays");
  return lost(reason);
}

bool MetricsLog::lost(const std::string& reason) {
  if (++lost_lines_ == 1 && warn_)
    warn_("metrics: cannot write to " + path_.string() + ": " + reason +
          "; training goes on without these lines, free space to have the next");
  return false;
}

std::vector<json> read_metrics(const fs::path& path) {
  std::vector<json> lines;
  for_each_line(read_file(path, UINT64_MAX),
                [&](std::string_view, json&& line) { lines.push_back(std::move(line)); });
  return lines;
}

}  // namespace lodestone
