#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/file_writer.h"
#include "common/files.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/checkpoint_writer.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/ranks.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct BenchCheckpointArguments {
  int64_t parameters = 100'000'000;
  std::string folder = ".";
  int64_t repeat = 3;
  std::vector<std::string> assignments;
  std::string json;
};

namespace fs = std::filesystem;

template <typename Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Weights and AdamW's two moments, in tensors of up to a million numbers.
coordinator::Snapshot state_of(int64_t parameters, c10::Device device) {
  coordinator::Snapshot snapshot;
  const auto tensor = [&](int64_t count, double value) {
    return at::full({count}, value, at::TensorOptions(device).dtype(at::kFloat));
  };
  for (int64_t first = 0, i = 0; first < parameters; first += 1'000'000, ++i) {
    const int64_t count = std::min<int64_t>(1'000'000, parameters - first);
    const std::string name = "layer" + std::to_string(i);
    snapshot.tensors["model"][name] = tensor(count, 0.5 + static_cast<double>(i));
    for (const char* moment : {".first", ".second"})
      snapshot.tensors["optimizer"][name + moment] = tensor(count, 0.25 + static_cast<double>(i));
  }
  snapshot.state = {{"step", 1}};
  return snapshot;
}

// Memory whose pages were touched before; page-locked for a GPU, which writes into it directly.
at::Tensor touched(int64_t bytes, c10::Device device) {
  return at::empty({bytes}, at::TensorOptions().dtype(at::kByte).pinned_memory(device.is_cuda())).fill_(1);
}

// Lower bound of the stall: a copy of the same bytes, tensor by tensor.
double copy_seconds(const coordinator::Snapshot& snapshot, c10::Device device, at::Tensor& buffer) {
  char* to = static_cast<char*>(buffer.mutable_data_ptr());
  const c10::impl::VirtualGuardImpl guard(device.type());
  return seconds_of([&] {
    for (const auto& [group, tensors] : snapshot.tensors)
      for (const auto& [name, tensor] : tensors) {
        if (tensor.is_cpu())
          std::memcpy(to, tensor.const_data_ptr(), tensor.nbytes());
        else
          at::from_blob(to, tensor.sizes(), tensor.options().device(at::kCPU))
              .copy_(tensor, /*non_blocking=*/true);
        to += tensor.nbytes();
      }
    guard.getStream(device).synchronize();
  });
}

// Lower bound of the whole save: one file of the same size, written and fsynced.
double raw_seconds(const fs::path& path, const at::Tensor& buffer) {
  const std::string_view bytes(static_cast<const char*>(buffer.const_data_ptr()), buffer.nbytes());
  const double seconds = seconds_of([&] { write_file_synced(path, bytes); });
  std::error_code ignored;
  fs::remove(path, ignored);
  return seconds;
}

// The same, written as a checkpoint's files are.
double written_seconds(const fs::path& path, const at::Tensor& buffer,
                       FileWriter::Verification verification) {
  const double seconds = seconds_of([&] {
    FileWriter file(path, verification);
    file.write({static_cast<const char*>(buffer.const_data_ptr()), buffer.nbytes()});
    file.finish();
  });
  std::error_code ignored;
  fs::remove(path, ignored);
  return seconds;
}

struct Round {
  double copy, stall, total, raw, checked, unchecked;
};

Round measure(const fs::path& folder, const coordinator::Snapshot& snapshot, c10::Device device,
              const std::shared_ptr<coordinator::FileImages>& images, at::Tensor& buffer) {
  Round round{};
  round.copy = copy_seconds(snapshot, device, buffer);
  round.raw = raw_seconds(folder / "raw", buffer);
  round.unchecked = written_seconds(folder / "unchecked", buffer, FileWriter::Verification::kNone);
  round.checked = written_seconds(folder / "checked", buffer, FileWriter::Verification::kAll);
  coordinator::CheckpointWriter writer;
  coordinator::SaveInfo info;
  round.total = seconds_of([&] {
    round.stall = seconds_of([&] {
      images->fill(snapshot.tensors);
      writer.start(1, [&] {
        return coordinator::save_checkpoint(folder / "checkpoints", *images, snapshot.state, info);
      });
    });
    if (!writer.wait(std::chrono::minutes(10)))
      throw IoError("bench checkpoint: no end of the save within 10 minutes");
  });
  const auto outcome = writer.take();
  if (!outcome->saved) throw IoError(outcome->problem);
  std::error_code ignored;
  fs::remove_all(folder / "checkpoints", ignored);
  return round;
}

template <typename Value>
double median(const std::vector<Round>& rounds, const Value& value) {
  std::vector<double> values;
  for (const Round& round : rounds) values.push_back(value(round));
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Each ratio is taken within one round, since the load by other programs changes from round to round.
nlohmann::json described(const std::vector<Round>& rounds) {
  const auto of = [&](double Round::*member) {
    return median(rounds, [=](const Round& r) { return r.*member; });
  };
  const auto ratio = [&](double Round::*member, double Round::*baseline) {
    return median(rounds, [=](const Round& r) { return r.*member / r.*baseline; });
  };
  return {{"copy_seconds", of(&Round::copy)},
          {"stall_seconds", of(&Round::stall)},
          {"save_seconds", of(&Round::total)},
          {"raw_write_seconds", of(&Round::raw)},
          {"checked_write_seconds", of(&Round::checked)},
          {"stall_by_copy", ratio(&Round::stall, &Round::copy)},
          {"save_by_raw_write", ratio(&Round::total, &Round::raw)},
          {"unchecked_write_seconds", of(&Round::unchecked)},
          {"checked_by_raw_write", ratio(&Round::checked, &Round::raw)},
          {"checked_by_unchecked_write", ratio(&Round::checked, &Round::unchecked)}};
}

void print(const BenchCheckpointArguments& arguments, const nlohmann::json& result) {
  const auto number = [&](const char* name) { return result[name].get<double>(); };
  std::printf("%.0f MB on %s; medians of %ld rounds\n", number("bytes") * 1e-6,
              result["device"].get<std::string>().c_str(), static_cast<long>(arguments.repeat));
  std::printf("a step waits   %8.3f s  %.2f of one copy of the same bytes\n", number("stall_seconds"),
              number("stall_by_copy"));
  std::printf("durable after  %8.3f s  %.2f of a raw write and fsync\n", number("save_seconds"),
              number("save_by_raw_write"));
  std::printf("checked write  %8.3f s  %.2f of a raw write and fsync, %.3f of the same without its checks\n",
              number("checked_write_seconds"), number("checked_by_raw_write"),
              number("checked_by_unchecked_write"));
}

int bench(const coordinator::RunContext& context, const BenchCheckpointArguments& arguments) {
  const fs::path folder = fs::path(arguments.folder) / ("bench-checkpoint-" + std::to_string(::getpid()) +
                                                        "-" + std::to_string(context.world.rank()));
  make_folders(folder);
  const c10::Device device = context.launch.device();
  const coordinator::Snapshot snapshot = state_of(arguments.parameters, device);
  const auto images = std::make_shared<coordinator::FileImages>();
  at::Tensor buffer = touched(arguments.parameters * 12, device);
  const double first = seconds_of([&] { images->fill(snapshot.tensors); });
  std::vector<Round> rounds;
  for (int64_t i = 0; i < arguments.repeat; ++i)
    rounds.push_back(measure(folder, snapshot, device, images, buffer));
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  if (!context.is_main_rank()) return kDone;
  nlohmann::json result = described(rounds);
  result["bytes"] = arguments.parameters * 12;
  result["device"] = device.str();
  result["first_copy_seconds"] = first;
  if (!arguments.json.empty()) write_output(arguments.json, json_text(result, 2) + "\n");
  print(arguments, result);
  return kDone;
}

int run_bench_checkpoint(const BenchCheckpointArguments& arguments, const run::Tables& tables) {
  run::RunConfig config(tables);
  const ConfigNodePtr root = parse_yaml("", "--set");
  run::read_run_config(root, arguments.assignments, "bench", config);
  return run::run_on_ranks(config,
                           [&](coordinator::RunContext& context) { return bench(context, arguments); });
}

}  // namespace

void add_bench_checkpoint(CLI::App* checkpoint, Action& action) {
  auto arguments = on<BenchCheckpointArguments>(checkpoint, action, run_bench_checkpoint);
  checkpoint
      ->add_option("--parameters", arguments->parameters,
                   "Number of weights; each takes 12 bytes: float32 and two AdamW moments")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_path(checkpoint, "--folder", arguments->folder, "Folder on the file system to measure")
      ->capture_default_str();
  checkpoint->add_option("--repeat", arguments->repeat, "Number of measured rounds; their median is reported")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_path(checkpoint, "--json", arguments->json, "File for the results as JSON");
  add_set(checkpoint, arguments->assignments);
}

}  // namespace lodestone::commands
