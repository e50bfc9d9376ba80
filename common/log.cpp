#include "common/log.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <string>

#include <fmt/args.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "common/error.h"
#include "common/json_text.h"
#include "common/log_format.h"
#include "common/printable.h"

namespace lodestone {

namespace {

constexpr const char *kFormatVariable = "LODESTONE_LOG_FORMAT", *kLevelVariable = "LODESTONE_LOG";
constexpr std::array<const char*, 4> kLevels{"debug", "info", "warn", "error"};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Rank and host of the log's lines.
struct Writer {
  int rank = 0;  ///< negative: no rank
  std::atomic<int64_t> step{-1};
};

spdlog::pattern_formatter pattern(const std::string& text) {
  return spdlog::pattern_formatter(text, spdlog::pattern_time_type::local, "");
}

// ISO 8601 with the zone's offset, so that logs of several days and of hosts in several zones can be sorted.
constexpr const char* kTime = "%Y-%m-%dT%H:%M:%S.%e%z";

/// A line as a JSON object.
class JsonLine : public spdlog::formatter {
 public:
  explicit JsonLine(std::shared_ptr<const Writer> writer)
      : writer_(std::move(writer)), time_(pattern(kTime)) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    spdlog::memory_buf_t time;
    time_.format(message, time);
    const auto level = spdlog::level::to_string_view(message.level);
    nlohmann::json line = {{"time", std::string(time.data(), time.size())},
                           {"level", std::string(level.data(), level.size())},
                           {"message", std::string(message.payload.data(), message.payload.size())}};
    if (writer_->rank >= 0) line["rank"] = writer_->rank;
    if (const int64_t step = writer_->step; step >= 0) line["step"] = step;
    const std::string text = json_text(line) + "\n";
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonLine>(writer_); }

 private:
  std::shared_ptr<const Writer> writer_;
  spdlog::pattern_formatter time_;
};

class SpdLogger : public Logger {
 public:
  explicit SpdLogger(spdlog::sink_ptr sink) : log_("lodestone", std::move(sink)) {}
  spdlog::logger& log() { return log_; }
  const std::shared_ptr<Writer>& writer() const { return writer_; }

 private:
  // The only place that escapes: names of files, classes and hosts arrive as arguments.
  void write(Level level, std::string_view text, const std::vector<std::string>& args) override {
    fmt::dynamic_format_arg_store<fmt::format_context> store;
    for (const auto& arg : args) store.push_back(arg);
    static constexpr spdlog::level::level_enum kSpdLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                               spdlog::level::warn, spdlog::level::err};
    log_.log(kSpdLevels[static_cast<int>(level)], "{}",
             printable(fmt::vformat({text.data(), text.size()}, store)));
  }

  // A logger of our own instead of spdlog's registry, since ranks may be threads of one process.
  spdlog::logger log_;
  std::shared_ptr<Writer> writer_ = std::make_shared<Writer>();
};

}  // namespace

LogFormat log_format() {
  return choice_named(variable(kFormatVariable), kLogFormats).value_or(LogFormat::kText);
}

void choose_log_format(LogFormat format) {
  ::setenv(kFormatVariable, choice_name(format, kLogFormats).c_str(), /*overwrite=*/0);
}

void check_log_variables() {
  const std::string format = variable(kFormatVariable), level = variable(kLevelVariable);
  if (!format.empty() && !choice_named(format, kLogFormats))
    throw ConfigError(std::string(kFormatVariable) + ": expected text or json, got '" + format +
                      "'; correct or unset it");
  bool known = level.empty();
  for (const char* name : kLevels) known |= level == name;
  if (!known)
    throw ConfigError(std::string(kLevelVariable) + ": expected debug, info, warn or error, got '" + level +
                      "'; correct or unset it");
}

void set_log_step(Logger& log, int64_t step) {
  if (const auto* own = dynamic_cast<const SpdLogger*>(&log)) own->writer()->step = step;
}

Log make_log(int rank, int world) {
  auto log = std::make_shared<SpdLogger>(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  log->writer()->rank = rank;
  const std::string tag = world > 1 ? " [rank " + std::to_string(rank) + "]" : "";
  if (log_format() == LogFormat::kJson)
    log->log().set_formatter(std::make_unique<JsonLine>(log->writer()));
  else
    log->log().set_pattern(kTime + std::string(" %^%l%$") + tag + " %v");
  log->log().set_level(rank <= 0 ? spdlog::level::info : spdlog::level::warn);
  const std::string level = variable(kLevelVariable);
  if (!level.empty()) log->log().set_level(spdlog::level::from_str(level));
  log->log().flush_on(spdlog::level::info);
  return log;
}

Log silent_log() {
  return std::make_shared<SpdLogger>(std::make_shared<spdlog::sinks::null_sink_mt>());
}

}  // namespace lodestone
