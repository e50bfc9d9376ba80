#include "trainer/coordinator/metrics/metrics_log.h"

#include <cerrno>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/open_file.h"
#include "common/paths.h"
#include "trainer/coordinator/metrics/metrics_tail.h"

namespace lodestone::coordinator {

namespace fs = std::filesystem;

using nlohmann::json;

MetricsLog::MetricsLog(fs::path path, std::optional<int64_t> resume_step, Warn warn)
    : path_(std::move(path)), warn_(std::move(warn)) {
  cut_metrics_tail(path_, resume_step);
  fd_ = open_regular(path_, O_WRONLY | O_CREAT | O_APPEND);
  if (fd_ < 0)
    throw IoError("metrics: cannot open " + path_.string() + ": " + std::generic_category().message(errno) +
                  "; check the permissions or choose another run_dir");
}

MetricsLog::~MetricsLog() {
  ::close(fd_);
}

bool MetricsLog::train(const engine::StepMetrics& metrics) {
  return append(engine::to_json(metrics), "train");
}

bool MetricsLog::eval(int64_t step, std::string_view split, const json& metrics) {
  json line = metrics.is_object() ? metrics : json::object();
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
  const std::string text = json_text(line) + "\n";
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  ssize_t written = 0;
  do {
    written = ::write(fd_, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(text.size())) return true;

  const std::string reason = written < 0 ? std::generic_category().message(errno) : "the disk is full";
  if (written > 0 && ::ftruncate(fd_, before) != 0) return lost(reason + ", and an incomplete line remains");
  return lost(reason);
}

bool MetricsLog::lost(const std::string& reason) {
  if (++lost_lines_ == 1 && warn_)
    warn_("metrics: cannot write to " + path_.string() + ": " + reason +
          "; training continues without these lines, free space to store later ones");
  return false;
}

namespace {

bool is_metrics_line(const json& line) {
  if (!line.is_object()) return false;
  const auto kind = line.find("kind"), step = line.find("step");
  return (kind == line.end() || kind->is_string()) && (step == line.end() || step->is_number_integer());
}

}  // namespace

void read_metrics(const fs::path& path, const std::function<void(json&&)>& use) {
  std::ifstream file;
  if (is_file(path)) file.open(path, std::ios::binary);  // opening a FIFO could wait for ever
  if (!file.is_open())
    throw IoError("metrics: cannot open " + path.string() + "; check the path and the permissions");
  std::string line;
  while (std::getline(file, line) &&
         !file.eof()) {  // a line without its end is incomplete: the process died while writing
    json parsed = read_json(line).value_or(nullptr);
    if (is_metrics_line(parsed)) use(std::move(parsed));
  }
  if (file.bad()) throw IoError("metrics: cannot read " + path.string() + "; check the disk");
}

std::vector<json> read_metrics(const fs::path& path) {
  std::vector<json> lines;
  read_metrics(path, [&lines](json&& line) { lines.push_back(std::move(line)); });
  return lines;
}

}  // namespace lodestone::coordinator
