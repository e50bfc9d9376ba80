#include "trainer/http/process_metrics.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <mutex>
#include <sstream>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <sys/resource.h>
#include <unistd.h>

namespace lodestone::http {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  auto& made =
      prometheus::BuildGauge().Name(std::string("process_") + name).Help(help).Register(registry).Add({});
  made.Set(kUnknown);
  return made;
}

struct Memory {
  double whole = kUnknown, resident = kUnknown;
};

Memory memory_now() {
  Memory memory;
  std::ifstream file("/proc/self/statm");
  double whole = 0, resident = 0;
  if (!(file >> whole >> resident)) return memory;
  const auto page = static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  return {whole * page, resident * page};
}

double open_files() {
  std::error_code error;
  double count = 0;
  std::filesystem::directory_iterator at("/proc/self/fd", error), end;
  for (; !error && at != end; at.increment(error)) ++count;
  return error ? kUnknown : count - 1;  // the descriptor of the opened folder does not count
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Field 22 of stat: ticks since boot; /proc/stat has the time of the boot.
double start_time() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');  // the program's name may contain any character
  if (name_end == std::string::npos) return kUnknown;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return kUnknown;
  std::ifstream boot("/proc/stat");
  for (std::string key; boot >> key; boot.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    double seconds = 0;
    if (key == "btime" && boot >> seconds)
      return seconds + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  return kUnknown;
}

double most_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                         : static_cast<double>(limit.rlim_cur);
}

}  // namespace

struct ProcessMetrics::Series {
  explicit Series(prometheus::Registry& registry)
      : cpu(prometheus::BuildCounter()
                .Name("process_cpu_seconds_total")
                .Help("Seconds of CPU time that this process took, of all its threads.")
                .Register(registry)
                .Add({})),
        resident(gauge(registry, "resident_memory_bytes", "Memory of this process that is in RAM.")),
        whole(gauge(registry, "virtual_memory_bytes", "Virtual memory of this process.")),
        open_fds(gauge(registry, "open_fds", "Files and sockets that this process has open.")),
        max_fds(gauge(registry, "max_fds", "Limit of files and sockets that this process may have open.")) {
    gauge(registry, "start_time_seconds", "When this process began, in seconds since 1970.")
        .Set(start_time());
  }

  std::mutex mutex;
  prometheus::Counter& cpu;
  prometheus::Gauge &resident, &whole, &open_fds, &max_fds;
};

ProcessMetrics::ProcessMetrics(prometheus::Registry& registry)
    : series_(std::make_unique<Series>(registry)) {}

ProcessMetrics::~ProcessMetrics() = default;

void ProcessMetrics::update() {
  const std::scoped_lock lock(series_->mutex);
  const double cpu = cpu_seconds();
  if (cpu > series_->cpu.Value()) series_->cpu.Increment(cpu - series_->cpu.Value());
  const Memory memory = memory_now();
  series_->resident.Set(memory.resident);
  series_->whole.Set(memory.whole);
  series_->open_fds.Set(open_files());
  series_->max_fds.Set(most_files());
}

}  // namespace lodestone::http
