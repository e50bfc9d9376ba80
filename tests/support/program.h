#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"
#include "common/rng.h"
#include "support/images.h"

/// Runs the program as a user does and examines its output.
namespace lodestone::testing {

struct Finished {
  int code = -1;  ///< exit code; 128 + signal if a signal ended it
  std::string out, err;
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A running process with its output in files.
class Process {
 public:
  explicit Process(std::vector<std::string> command) {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      if (!std::freopen((folder_.path() / "out").c_str(), "w", stdout)) ::_exit(126);
      if (!std::freopen((folder_.path() / "err").c_str(), "w", stderr)) ::_exit(126);
      std::vector<char*> arguments;
      for (auto& word : command) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
  }
  ~Process() {
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  /// What it has written to stdout so far.
  std::string out() const { return contents(folder_.path() / "out"); }
  /// What it has written to stderr so far.
  std::string err() const { return contents(folder_.path() / "err"); }
  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  /// Waits for its end; after `seconds`, kills it and returns code -1.
  Finished wait(int seconds = 120) {
    int status = 0;
    const bool ended = until(seconds, [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    Finished result{-1, contents(folder_.path() / "out"), contents(folder_.path() / "err")};
    if (!ended) return result;
    pid_ = -1;
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
  }
  /// Polls until the condition holds; false after `seconds`.
  static bool until(int seconds, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      ::poll(nullptr, 0, 5);
    }
    return true;
  }

 private:
  TempFolder folder_;
  pid_t pid_ = -1;
};

inline std::vector<std::string> lodestone(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), LODESTONE_PROGRAM);
  return arguments;
}

inline std::vector<std::string> mpirun(int ranks, const std::vector<std::string>& command) {
  std::vector<std::string> all = {MPIRUN_PROGRAM, "--oversubscribe", "-n", std::to_string(ranks)};
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

inline Finished run(const std::vector<std::string>& command, int seconds = 120) {
  return Process(command).wait(seconds);
}

/// A folder per class with distinguishable images, and a configuration that trains on them in seconds.
class Workspace {
 public:
  Workspace() {
    for (int c = 0; c < 8; ++c)
      for (int s = 0; s < 6; ++s)
        write_png(folder_.path() / "pictures" / ("class" + std::to_string(c)) / (std::to_string(s) + ".png"),
                  noisy(c, s));
    write_config("");
  }

  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  std::string config() const { return path("run.yaml"); }
  std::filesystem::path run() const { return path("run"); }

  /// Writes the standard configuration followed by `more` lines.
  void write_config(const std::string& more) const {
    std::ofstream(config())
        << "run_dir: " << run().string() << "\nglobal_batch: 16\ndata:\n  root: " << folder_.path().string()
        << "\n  train: {path: pictures}\n  image: {width: 16, height: 16}\n"
        << "sampler: {samples_per_class: 4}\nencoder: {name: conv4, channels: [8, 8, 8], embedding: 8}\n"
        << "batch_norm: sync\nschedule: {steps: 8, warmup_steps: 2}\ncheckpoint: {every_steps: 4}\n"
        << "distributed: {timeout: 60}\n"
        << more;
  }

 private:
  static Image noisy(int label, int sample) {
    Image image(16, 16, 1);
    Random shape(1, Purpose::kNoise, static_cast<uint64_t>(label)),
        noise(2, Purpose::kNoise, static_cast<uint64_t>(label), static_cast<uint64_t>(sample));
    for (auto& pixel : image.pixels) pixel = static_cast<uint8_t>(shape.below(180) + noise.below(70));
    return image;
  }

  TempFolder folder_;
};

}  // namespace lodestone::testing
