#include "trainer/coordinator/checkpoints/checkpoint.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <system_error>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/text_format.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/checkpoints/manifest.h"

namespace lodestone::coordinator {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kStepPrefix = "step-";

std::string damaged_text(const fs::path& path, const std::string& damage) {
  return "checkpoint: " + path.string() + " is damaged: " + damage;
}

void warn_if_set(const Warn& warn, const std::string& text) {
  if (warn) warn(text);
}

// Stores the contents of one intact file in the checkpoint.
void take_file(const std::string& file, std::string_view bytes, Checkpoint& checkpoint) {
  if (file == kConfigFile) {
    checkpoint.config_yaml = bytes;
  } else if (file == kStateFile) {
    checkpoint.snapshot.state = parse_json(bytes, file);
  } else if (file.ends_with(kTensorSuffix)) {
    const std::string group = file.substr(0, file.size() - std::string_view(kTensorSuffix).size());
    checkpoint.snapshot.tensors[group] = decode_safetensors(bytes, file);
  }
}

// A run that is training may remove an old checkpoint while it is read.
bool is_gone(const fs::path& path) {
  std::error_code error;
  return fs::status(path, error).type() == fs::file_type::not_found;
}

std::string gone_text(const fs::path& path) {
  std::vector<fs::path> others;
  for (const auto& other : list_checkpoints(path.parent_path())) others.push_back(other.filename());
  const std::string kept = joined(others);
  return "checkpoint: expected one at " + path.string() +
         ", got nothing: it was never written, or removed because its run keeps only the newest "
         "(checkpoint.keep_last, keep_every); name another" +
         (kept.empty() ? "" : ": " + kept);
}

Checkpoint load_one(const fs::path& path) {
  if (is_gone(path)) throw CheckpointError(gone_text(path));
  Checkpoint checkpoint;
  const auto report = read_checkpoint_files(
      path, [&](const std::string& file, std::string_view bytes) { take_file(file, bytes, checkpoint); });
  if (!report.ok() && is_gone(path)) throw CheckpointError(gone_text(path));
  if (!report.ok()) throw CheckpointError(damaged_text(path, report.damage()) + "; use another checkpoint");
  checkpoint.path = path;
  checkpoint.step = report.step;
  checkpoint.world = report.world;
  checkpoint.generation = report.generation;
  checkpoint.code = report.code;
  return checkpoint;
}

// Whether `path` names a single checkpoint. The name counts too, since the manifest may be what is lost.
bool looks_like_checkpoint(const fs::path& path) {
  std::error_code ignored;
  const fs::path name = path.has_filename() ? path.filename() : path.parent_path().filename();
  return step_of(name.string()) >= 0 || fs::exists(path / Manifest::kFileName, ignored);
}

}  // namespace

std::string step_name(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

int64_t step_of(std::string_view name) {
  if (!name.starts_with(kStepPrefix)) return -1;
  const std::string_view digits = name.substr(kStepPrefix.size());
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  if (digits.size() < 8 || digits.size() > 18 || !std::all_of(digits.begin(), digits.end(), is_digit))
    return -1;
  return std::stoll(std::string(digits));
}

std::vector<fs::path> list_checkpoints(const fs::path& root) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error))
    if (step_of(entry->path().filename().string()) >= 0) found.push_back(entry->path());
  const auto newer = [](const fs::path& a, const fs::path& b) {
    return step_of(a.filename().string()) > step_of(b.filename().string());
  };
  std::sort(found.begin(), found.end(), newer);
  return found;
}

std::optional<fs::path> newest_checkpoint(const fs::path& root, const Warn& warn) {
  for (const auto& path : list_checkpoints(root)) {
    const auto report = verify_checkpoint(path);
    if (report.ok()) return path;
    if (is_gone(path)) continue;
    warn_if_set(warn, damaged_text(path, report.damage()) + "; the one before it is used");
  }
  return std::nullopt;
}

Checkpoint load_checkpoint(const fs::path& path, const Warn& warn) {
  if (looks_like_checkpoint(path)) return load_one(path);
  std::error_code ignored;
  const fs::path root = fs::is_directory(path / "checkpoints", ignored) ? path / "checkpoints" : path;
  const auto candidates = list_checkpoints(root);
  size_t damaged = 0;
  for (const auto& candidate : candidates) {
    try {
      return load_one(candidate);
    } catch (const CheckpointError& error) {
      if (is_gone(candidate)) continue;
      ++damaged;
      warn_if_set(warn, std::string(error.what()) + " (the one before it is tried)");
    }
  }
  const auto newer = list_checkpoints(root);  // newer than those removed while they were read
  if (!newer.empty() && (candidates.empty() || newer.front() != candidates.front()))
    return load_checkpoint(path, warn);
  if (damaged > 0)
    throw CheckpointError(
        "checkpoint: expected a usable checkpoint in " + root.string() + ", got " + std::to_string(damaged) +
        " damaged; name another one, or start a new run with `lodestone train CONFIG --resume none`");
  if (is_gone(path))
    throw CheckpointError("checkpoint: expected a run folder or a checkpoint, got " + path.string() +
                          ", which does not exist; check the path");
  if (!fs::is_directory(path, ignored))
    throw CheckpointError(
        "checkpoint: expected a run folder or a checkpoint, which is a folder step-XXXXXXXX, "
        "got the file " +
        path.string() +
        "; name the folder of the run, or weights of another program in encoder.init_from of a "
        "configuration");
  if (fs::exists(path / "config.json", ignored))
    throw CheckpointError("checkpoint: expected a run folder or a checkpoint, got " + path.string() +
                          ", a model of Hugging Face; name it in encoder.init_from of a configuration");
  throw CheckpointError(
      "checkpoint: expected a usable checkpoint in " + root.string() +
      ", got none; train the run until its first checkpoint, or name a folder that has one");
}

}  // namespace lodestone::coordinator
