#include "trainer/coordinator/faults/process_table.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <unistd.h>

#include "common/paths.h"

namespace lodestone::coordinator {

namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::optional<std::string> SeenProcess::variable(const std::string& name) const {
  const size_t at = variables.find('\0' + name + '=');
  if (at == std::string::npos) return {};
  const size_t begin = at + name.size() + 2;
  return variables.substr(begin, variables.find('\0', begin) - begin);
}

std::vector<SeenProcess> processes_with(const std::vector<std::string>& marks) {
  std::vector<SeenProcess> found;
  std::error_code gone;
  for (const auto& entry : folder_entries("/proc", gone)) {
    const std::string name = entry.filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc() || pid == ::getpid())
      continue;
    const std::string variables = '\0' + contents(entry / "environ");
    const bool marked = std::all_of(marks.begin(), marks.end(), [&](const std::string& mark) {
      return variables.find('\0' + mark + '\0') != std::string::npos;
    });
    if (marked) found.push_back({pid, variables});
  }
  return found;
}

char state_of(pid_t pid) {
  // The name of a process is in parentheses and may contain any character.
  const std::string stat = contents("/proc/" + std::to_string(pid) + "/stat");
  const size_t end = stat.rfind(')');
  return end == std::string::npos || end + 2 >= stat.size() ? '\0' : stat[end + 2];
}

bool catches(pid_t pid, int signal) {
  const std::string status = contents("/proc/" + std::to_string(pid) + "/status");
  const std::string key = "\nSigCgt:\t";
  const size_t at = status.find(key);
  if (at == std::string::npos) return false;
  uint64_t mask = 0;
  const char* const begin = status.data() + at + key.size();
  std::from_chars(begin, status.data() + status.size(), mask, 16);
  return (mask >> (signal - 1) & 1) != 0;
}

}  // namespace lodestone::coordinator
