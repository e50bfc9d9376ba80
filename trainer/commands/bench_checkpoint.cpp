#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/files.h"
#include "trainer/commands/command.h"
#include "trainer/coordinator/checkpoint.h"
#include "trainer/coordinator/checkpoint_writer.h"

namespace lodestone {

namespace {

namespace fs = std::filesystem;

template <typename Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Weights and AdamW's two moments, in tensors of up to a million numbers.
Snapshot state_of(int64_t parameters) {
  Snapshot snapshot;
  for (int64_t first = 0, i = 0; first < parameters; first += 1'000'000, ++i) {
    const int64_t count = std::min<int64_t>(1'000'000, parameters - first);
    const std::string name = "layer" + std::to_string(i);
    snapshot.tensors["model"][name] = at::full({count}, 0.5 + static_cast<double>(i), at::kFloat);
    for (const char* moment : {".first", ".second"})
      snapshot.tensors["optimizer"][name + moment] = at::full({count}, 0.25 + static_cast<double>(i), at::kFloat);
  }
  snapshot.state = {{"step", 1}};
  return snapshot;
}

// The floor of the stall: the same bytes, copied to memory that was touched before.
double copy_seconds(const Snapshot& snapshot, at::Tensor& buffer) {
  char* to = static_cast<char*>(buffer.mutable_data_ptr());
  return seconds_of([&] {
    for (const auto& [group, tensors] : snapshot.tensors)
      for (const auto& [name, tensor] : tensors) {
        std::memcpy(to, tensor.const_data_ptr(), tensor.nbytes());
        to += tensor.nbytes();
      }
  });
}

// The floor of the whole: one file of as many bytes, written and fsynced.
double raw_seconds(const fs::path& path, const at::Tensor& buffer) {
  const std::string_view bytes(static_cast<const char*>(buffer.const_data_ptr()), buffer.nbytes());
  const double seconds = seconds_of([&] { write_file_synced(path, bytes); });
  fs::remove(path);
  return seconds;
}

struct Round {
  double copy, stall, total, raw;
};

Round measure(const fs::path& folder, const Snapshot& snapshot, const std::shared_ptr<FileImages>& images, at::Tensor& buffer) {
  Round round{};
  round.copy = copy_seconds(snapshot, buffer);
  round.raw = raw_seconds(folder / "raw", buffer);
  CheckpointWriter writer;
  SaveInfo info;
  round.total = seconds_of([&] {
    round.stall = seconds_of([&] {
      images->fill(snapshot.tensors);
      writer.start(1, [&] { return save_checkpoint(folder / "checkpoints", *images, snapshot.state, info); });
    });
    if (!writer.wait(std::chrono::minutes(10))) throw IoError("bench checkpoint: no end of the save within 10 minutes");
  });
  const auto outcome = writer.take();
  if (!outcome->saved) throw IoError(outcome->problem);
  fs::remove_all(folder / "checkpoints");
  return round;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int run_bench_checkpoint(const BenchCheckpointArguments& arguments) {
  const fs::path folder = fs::path(arguments.folder) / ("bench-checkpoint-" + std::to_string(::getpid()));
  make_folders(folder);
  const Snapshot snapshot = state_of(arguments.parameters);
  const auto images = std::make_shared<FileImages>();
  at::Tensor buffer = at::full({arguments.parameters * 12}, 1, at::kByte);
  const double first = seconds_of([&] { images->fill(snapshot.tensors); });
  std::vector<double> copy, stall, total, raw;
  for (int64_t i = 0; i < arguments.repeat; ++i) {
    const Round round = measure(folder, snapshot, images, buffer);
    copy.push_back(round.copy);
    stall.push_back(round.stall);
    total.push_back(round.total);
    raw.push_back(round.raw);
  }
  fs::remove_all(folder);
  const nlohmann::json result = {{"bytes", arguments.parameters * 12}, {"copy_seconds", median(copy)},
                                 {"first_copy_seconds", first},        {"stall_seconds", median(stall)},
                                 {"save_seconds", median(total)},      {"raw_write_seconds", median(raw)}};
  std::printf("%.0f MB: stall %.3f s (one memcpy %.3f s), durable after %.3f s (raw write and fsync %.3f s)\n",
              static_cast<double>(arguments.parameters) * 12e-6, median(stall), median(copy), median(total), median(raw));
  if (!arguments.json.empty()) write_file_atomic(arguments.json, result.dump(2) + "\n");
  return kDone;
}

}  // namespace lodestone
