#include "trainer/coordinator/faults/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"
#include "trainer/coordinator/faults/process_table.h"

extern char** environ;

namespace lodestone::coordinator {

namespace {

// Everything that exec needs, prepared before fork: afterwards only async-signal-safe calls are allowed.
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

[[noreturn]] void become(ExecArguments& arguments, pid_t parent, int failure, int error_fd) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(128 + SIGTERM);  // the parent died before the line above
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (error_fd >= 0) ::dup2(error_fd, STDERR_FILENO);
  ::execvpe(arguments.argv[0], arguments.argv.data(), arguments.envp.data());
  const int error = errno;
  if (::write(failure, &error, sizeof error) < 0) ::_exit(126);
  ::_exit(127);
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
  if (pid_ == 0) become(arguments, parent, failure[1], command.error_fd);
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
  const auto all = processes_with({mark_});
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const SeenProcess& process) {
    return process.variables.find('\0' + variable) != std::string::npos;
  }));
}

int ChildProcess::kill_all() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::vector<SeenProcess> left = processes_with({mark_});
  const auto others = static_cast<int>(std::count_if(
      left.begin(), left.end(), [&](const SeenProcess& process) { return process.pid != pid_; }));
  while (!left.empty() && std::chrono::steady_clock::now() < deadline) {
    for (const SeenProcess& process : left) ::kill(process.pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ended();
    left = processes_with({mark_});
  }
  ended();
  return others;
}

}  // namespace lodestone::coordinator
