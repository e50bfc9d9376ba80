#include "trainer/coordinator/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"

extern char** environ;

namespace lodestone {

namespace {

// Everything exec needs, made before fork: afterwards only async-signal-safe calls are allowed.
struct ExecArguments {
  std::vector<std::string> words, variables;
  std::vector<char*> argv, envp;

  ExecArguments(const ChildCommand& command, const std::string& mark) : words(command.words) {
    auto added = command.environment;
    added[mark.substr(0, mark.find('='))] = mark.substr(mark.find('=') + 1);
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string text = *variable;
      if (!added.contains(text.substr(0, text.find('=')))) variables.push_back(text);
    }
    for (const auto& [name, value] : added) variables.push_back(name + "=" + value);
    for (std::string& word : words) argv.push_back(word.data());
    for (std::string& variable : variables) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
  }
};

[[noreturn]] void become(ExecArguments& arguments, pid_t parent, int failure) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(128 + SIGTERM);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::execvpe(arguments.argv[0], arguments.argv.data(), arguments.envp.data());
  const int error = errno;
  if (::write(failure, &error, sizeof error) < 0) ::_exit(126);
  ::_exit(127);
}

struct Marked {
  pid_t pid;
  std::string variables;  // each behind a zero byte
};

std::vector<Marked> marked(const std::string& mark) {
  std::vector<Marked> found;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc() || pid == ::getpid())
      continue;
    std::ifstream in(entry.path() / "environ", std::ios::binary);
    const std::string variables = '\0' + std::string(std::istreambuf_iterator<char>(in), {});
    if (variables.find('\0' + mark + '\0') != std::string::npos) found.push_back({pid, variables});
  }
  return found;
}

}  // namespace

ChildProcess::ChildProcess(const ChildCommand& command, const std::string& mark) : mark_(mark) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ExecArguments arguments(command, mark);
  std::array<int, 2> failure{};
  if (::pipe2(failure.data(), O_CLOEXEC) != 0)
    throw IoError(std::string("launch: no pipe: ") + std::strerror(errno));
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(arguments, parent, failure[1]);
  ::close(failure[1]);
  int error = pid_ < 0 ? errno : 0;
  if (pid_ > 0 && ::read(failure[0], &error, sizeof error) <= 0) error = 0;
  ::close(failure[0]);
  if (error == 0) return;
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  throw IoError("launch: cannot start " + command.words.front() + ": " + std::strerror(error) +
                "; install it or put it into PATH");
}

ChildProcess::~ChildProcess() {
  if (!code_) kill_all();
}

void ChildProcess::send(int signal) const {
  if (!code_) ::kill(pid_, signal);
}

std::optional<int> ChildProcess::ended() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == pid_) code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

int ChildProcess::count(const std::string& variable) const {
  const auto all = marked(mark_);
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const Marked& process) {
    return process.variables.find('\0' + variable) != std::string::npos;
  }));
}

int ChildProcess::kill_all() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::vector<Marked> left = marked(mark_);
  const auto others = static_cast<int>(
      std::count_if(left.begin(), left.end(), [&](const Marked& process) { return process.pid != pid_; }));
  while (!left.empty() && std::chrono::steady_clock::now() < deadline) {
    for (const Marked& process : left) ::kill(process.pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ended();
    left = marked(mark_);
  }
  ended();
  return others;
}

}  // namespace lodestone
