#include "trainer/coordinator/host_list.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include <spawn.h>
#include <sys/wait.h>

#include "common/files.h"
#include "common/host_name.h"

extern char** environ;

namespace lodestone {

namespace {

int slots_in(const std::string& word, const std::string& place) {
  const std::string text = word.substr(word.find('=') + 1);
  int slots = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), slots);
  if (error != std::errc() || end != text.data() + text.size() || slots < 1)
    throw ConfigError(place + ": expected slots=N with N at least 1, got '" + word +
                      "'; correct the hostfile");
  return slots;
}

bool is_this_host(const std::string& name) {
  return name == "localhost" || name.starts_with("127.") || name == host_name();
}

// 0 if it could not be started.
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

std::vector<Host> read_hostfile(const std::filesystem::path& path) {
  std::istringstream text(read_file(path, 1 << 20));
  std::vector<Host> hosts;
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    const std::string place = path.string() + ":" + std::to_string(++number);
    std::istringstream words(line.substr(0, line.find('#')));
    Host host;
    if (!(words >> host.name)) continue;
    for (std::string word; words >> word;)
      if (word.starts_with("slots=")) host.slots = slots_in(word, place);
    const auto same =
        std::find_if(hosts.begin(), hosts.end(), [&](const Host& other) { return other.name == host.name; });
    if (same == hosts.end()) {
      hosts.push_back(host);
    } else {
      same->slots += host.slots;
    }
  }
  if (hosts.empty())
    throw ConfigError(path.string() +
                      ": expected a host on each line, got none; add lines like: node1 slots=8");
  return hosts;
}

std::string hostfile_text(const std::vector<Host>& hosts) {
  std::string text;
  for (const Host& host : hosts) text += host.name + " slots=" + std::to_string(host.slots) + "\n";
  return text;
}

int slots_of(const std::vector<Host>& hosts) {
  int slots = 0;
  for (const Host& host : hosts) slots += host.slots;
  return slots;
}

std::vector<Host> answering(const std::vector<Host>& hosts, const std::vector<std::string>& agent) {
  std::map<std::string, pid_t> asked;
  for (const Host& host : hosts)
    if (!is_this_host(host.name)) asked[host.name] = ask(host, agent);
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

}  // namespace lodestone
