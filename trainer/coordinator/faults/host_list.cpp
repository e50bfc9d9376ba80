#include "trainer/coordinator/faults/host_list.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <map>
#include <set>
#include <sstream>

#include <spawn.h>
#include <sys/wait.h>

#include "common/files.h"
#include "common/host_name.h"
#include "common/pipe_file.h"
#include "common/printable.h"

extern char** environ;

namespace lodestone::coordinator {

namespace {

constexpr size_t kLongest = 1 << 20;
constexpr int kMostSlots = 1 << 20;  // in one file

const std::set<std::string> kSlots = {"slots", "count", "cpu"};
const std::set<std::string> kMaxSlots = {"max_slots", "max-slots", "slots_max", "slots-max",
                                         "max_count", "max-count", "count_max", "count-max",
                                         "max_cpu",   "max-cpu",   "cpu_max",   "cpu-max"};
const std::set<std::string> kUser = {"username", "user_name", "user-name"};

// A pipe can be read once only.
std::string read_once(const std::filesystem::path& path) {
  try {
    return read_file_or_pipe(path, kLongest - 1);
  } catch (const IoError&) {
    std::throw_with_nested(IoError("hostfile: cannot read " + printable(path.string()) +
                                   "; name a file of lines like: node1 slots=8"));
  }
}

// Replaces block comments by a space and their line breaks.
std::string without_block_comments(const std::string& text) {
  std::string kept;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find("/*", at),
                 end = text.find("*/", begin == std::string::npos ? begin : begin + 2);
    kept += text.substr(at, begin - at);
    if (begin == std::string::npos) break;
    const std::string comment = text.substr(begin, end - begin);
    kept += ' ' + std::string(static_cast<size_t>(std::count(comment.begin(), comment.end(), '\n')), '\n');
    at = end == std::string::npos ? text.size() : end + 2;
  }
  return kept;
}

// The words of a line; = is a word of its own, with or without spaces around it.
std::vector<std::string> words_of(std::string line) {
  line = line.substr(0, std::min(line.find('#'), line.find("//")));
  std::vector<std::string> words;
  bool in_word = false;
  for (const char letter : line) {
    const bool space = std::string_view(" \t\r\v\f").find(letter) != std::string_view::npos;
    if (space || letter == '=') {
      if (letter == '=') words.emplace_back("=");
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    words.back() += letter;
    in_word = true;
  }
  return words;
}

[[noreturn]] void refuse(const std::string& place, const std::string& expected, const std::string& got) {
  throw ConfigError(place + ": expected " + expected + ", got '" + printable(got) +
                    "'; correct the hostfile");
}

int count_in(const std::string& key, const std::string& text, const std::string& place) {
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > kMostSlots)
    refuse(place, key + "=N with N at least 1 and at most " + std::to_string(kMostSlots), key + "=" + text);
  return count;
}

// The user's name becomes an argument of ssh, where a leading hyphen would start an option.
void check_user(const std::string& user, const std::string& place) {
  const bool fine =
      !user.empty() && !user.starts_with('-') &&
      std::all_of(user.begin(), user.end(), [](unsigned char letter) {
        return std::isalnum(letter) != 0 || std::string_view("._-").find(letter) != std::string_view::npos;
      });
  if (!fine) refuse(place, "a user's name of letters, digits, dots, hyphens and _", user);
}

// mpirun accepts letters, digits, dots and hyphens.
void check_name(const std::string& name, const std::string& place) {
  if (name.starts_with('+') || name.starts_with('^'))
    refuse(place,
           "a host's name (relative and excluded hosts need a scheduler's list, which launch does not read)",
           name);
  if (name == "rank") refuse(place, "a host and its slots (this looks like a rankfile)", name);
  const size_t at = name.find('@');
  if (at != std::string::npos) check_user(name.substr(0, at), place);
  const std::string host = name.substr(at == std::string::npos ? 0 : at + 1);
  if (host.find(':') != std::string::npos)
    refuse(place,
           "a host's name or IPv4 address (mpirun takes no IPv6 address and no port; write slots=N for a "
           "number of ranks)",
           name);
  const bool fine = !host.empty() && !host.starts_with('-') &&
                    std::all_of(host.begin(), host.end(), [](unsigned char letter) {
                      return std::isalnum(letter) != 0 || letter == '.' || letter == '-';
                    });
  if (!fine) refuse(place, "a host's name of letters, digits, dots and hyphens, as mpirun requires", name);
}

std::optional<Host> parse_line(const std::string& line, const std::string& place) {
  const std::vector<std::string> words = words_of(line);
  if (words.empty()) return std::nullopt;
  Host host{words.front(), {}, {}};
  check_name(host.name, place);
  for (size_t i = 1; i < words.size(); i += 3) {
    const std::string& key = words[i];
    if (i + 2 >= words.size() || words[i + 1] != "=")
      refuse(place, "slots=N behind a host's name (mpirun ignores other words)", key);
    const std::string& value = words[i + 2];
    if (kSlots.contains(key)) {
      host.slots = count_in(key, value, place);
    } else if (kMaxSlots.contains(key)) {
      host.max_slots = count_in(key, value, place);
    } else if (kUser.contains(key)) {
      check_user(value, place);
      host.name = value + "@" + host.name.substr(host.name.find('@') + 1);
    } else {
      refuse(place, "slots, max_slots or username", key);
    }
  }
  if (!host.slots) host.slots = host.max_slots;
  if (host.slots && host.max_slots && *host.max_slots < *host.slots)
    refuse(place, "max_slots to be at least slots = " + std::to_string(*host.slots),
           std::to_string(*host.max_slots));
  return host;
}

/// Hosts in the order of first mention, merged, since mpirun refuses most hosts that are named twice.
class Hosts {
 public:
  void add(const Host& host, const std::string& place) {
    total_ += std::max(host.slots.value_or(1), host.max_slots.value_or(0));
    if (total_ > kMostSlots)
      refuse(place, "at most " + std::to_string(kMostSlots) + " slots in all lines", std::to_string(total_));
    const auto [found, is_new] = place_of_.emplace(key_of(host), hosts.size());
    if (is_new) return hosts.push_back(host);
    Host& same = hosts[found->second];
    same.slots = same.slots.value_or(1) + host.slots.value_or(1);
    if (same.max_slots || host.max_slots)
      same.max_slots = std::max(*same.slots, same.max_slots.value_or(0) + host.max_slots.value_or(0));
  }
  std::vector<Host> hosts;

 private:
  // This host has many names, all mapped to the empty key.
  static std::string key_of(const Host& host) { return host.is_this_host() ? "" : host.name; }
  std::map<std::string, size_t> place_of_;
  int64_t total_ = 0;
};

// Returns 0 if the process could not be started.
pid_t ask(const Host& host, const std::vector<std::string>& agent) {
  std::vector<std::string> words = {"timeout", "-k", "1", "10"};
  words.insert(words.end(), agent.begin(), agent.end());
  words.insert(words.end(), {host.name, "true"});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  return ::posix_spawnp(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ) == 0 ? pid : 0;
}

}  // namespace

bool Host::is_this_host() const {
  const std::string host = name.substr(name.find('@') + 1);
  return host == "localhost" || host.starts_with("127.") || host == host_name();
}

std::vector<Host> read_hostfile(const std::filesystem::path& path) {
  Hosts read;
  int number = 0;
  std::istringstream lines(without_block_comments(read_once(path)));
  for (std::string line; std::getline(lines, line);) {
    const std::string place = printable(path.string()) + ":" + std::to_string(++number);
    if (const auto host = parse_line(line, place)) read.add(*host, place);
  }
  if (read.hosts.empty())
    throw ConfigError(printable(path.string()) +
                      ": expected a host on each line, got none; add lines like: node1 slots=8");
  return std::move(read.hosts);
}

std::string hostfile_text(const std::vector<Host>& hosts) {
  std::string text;
  for (const Host& host : hosts) {
    text += host.name;
    if (host.slots) text += " slots=" + std::to_string(*host.slots);
    if (host.max_slots) text += " max_slots=" + std::to_string(*host.max_slots);
    text += "\n";
  }
  return text;
}

std::optional<int> slots_of(const std::vector<Host>& hosts) {
  int slots = 0;
  for (const Host& host : hosts) {
    if (!host.slots) return std::nullopt;
    slots += *host.slots;
  }
  return slots;
}

std::vector<Host> answering(const std::vector<Host>& hosts, const std::vector<std::string>& agent) {
  std::map<std::string, pid_t> asked;
  for (const Host& host : hosts)
    if (!host.is_this_host()) asked[host.name] = ask(host, agent);
  std::vector<Host> alive;
  for (const Host& host : hosts) {
    const auto question = asked.find(host.name);
    int status = 0;
    const bool answers =
        question == asked.end() || (question->second > 0 && ::waitpid(question->second, &status, 0) > 0 &&
                                    WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (answers) alive.push_back(host);
  }
  return alive;
}

}  // namespace lodestone::coordinator
