#include <map>

#include "distributed/rendezvous/launch_info.h"
#include "fuzz/input.h"

using namespace lodestone;
using namespace lodestone::distributed;

/// Lines of NAME=value are an environment; what a launcher says in it is a rank within its world, or a
/// ConfigError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::map<std::string, std::string> variables;
  std::string_view text = fuzz::text(data, size);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (const size_t equals = line.find('='); equals != std::string_view::npos)
      variables[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  fuzz::refusing([&] {
    const LaunchInfo info = discover_launch([&](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
    });
    if (info.rank < 0 || info.world < 0 || (info.world > 0 && info.rank >= info.world) ||
        info.local_rank < 0 || info.local_world < 0 || info.master_port < 0 || info.master_port > 65535 ||
        info.generation < 0)
      std::abort();
  });
  return 0;
}
