#pragma once

#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone {

/// The log of one rank: lines on stderr, tagged "[rank 3]" if there are several ranks. It is passed to its
/// users, never global. Rank 0 logs from level info, other ranks from warn, unless
/// LODESTONE_LOG=debug|info|warn|error says otherwise. Patterns have one {} per argument. (spdlog is hidden
/// behind this interface, since LibTorch's headers include their own fmt.)
/// Threads   safe concurrently.
class Logger {
 public:
  enum class Level { kDebug, kInfo, kWarn, kError };

  virtual ~Logger() = default;

  template <typename... Args>
  void debug(std::string_view pattern, const Args&... args) {
    write(Level::kDebug, pattern, {text_of(args)...});
  }
  template <typename... Args>
  void info(std::string_view pattern, const Args&... args) {
    write(Level::kInfo, pattern, {text_of(args)...});
  }
  template <typename... Args>
  void warn(std::string_view pattern, const Args&... args) {
    write(Level::kWarn, pattern, {text_of(args)...});
  }
  template <typename... Args>
  void error(std::string_view pattern, const Args&... args) {
    write(Level::kError, pattern, {text_of(args)...});
  }

 private:
  virtual void write(Level level, std::string_view pattern, const std::vector<std::string>& args) = 0;

  template <typename T>
  static std::string text_of(const T& value) {
    std::ostringstream out;
    out << value;
    return out.str();
  }
};

using Log = std::shared_ptr<Logger>;

/// Makes the log of one rank; `world` is the number of ranks.
Log make_log(int rank, int world);

/// A log that drops everything (for tests and library use).
Log silent_log();

}  // namespace lodestone
