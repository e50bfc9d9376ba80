#include "common/log.h"

#include <cstdlib>

#include <fmt/args.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace lodestone {

namespace {

class SpdLogger : public Logger {
 public:
  explicit SpdLogger(spdlog::sink_ptr sink) : log_("lodestone", std::move(sink)) {}
  spdlog::logger& log() { return log_; }

 private:
  void write(Level level, std::string_view pattern, const std::vector<std::string>& args) override {
    fmt::dynamic_format_arg_store<fmt::format_context> store;
    for (const auto& arg : args) store.push_back(arg);
    static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                            spdlog::level::warn, spdlog::level::err};
    log_.log(kLevels[static_cast<int>(level)], "{}", fmt::vformat({pattern.data(), pattern.size()}, store));
  }

  // A logger of our own, not spdlog's registry: ranks may be threads of one process.
  spdlog::logger log_;
};

}  // namespace

Log make_log(int rank, int world) {
  auto log = std::make_shared<SpdLogger>(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  const std::string tag = world > 1 ? " [rank " + std::to_string(rank) + "]" : "";
  log->log().set_pattern("%H:%M:%S.%e %^%l%$" + tag + " %v");
  log->log().set_level(rank == 0 ? spdlog::level::info : spdlog::level::warn);
  if (const char* level = std::getenv("LODESTONE_LOG")) log->log().set_level(spdlog::level::from_str(level));
  log->log().flush_on(spdlog::level::info);
  return log;
}

Log silent_log() {
  return std::make_shared<SpdLogger>(std::make_shared<spdlog::sinks::null_sink_mt>());
}

}  // namespace lodestone
