#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <system_error>

#include <signal.h>
#include <unistd.h>

#include "common/file_writer.h"
#include "common/files.h"
#include "common/json_text.h"
#include "common/printable.h"
#include "common/utf8.h"
#include "trainer/coordinator/build_info.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/checkpoints/manifest.h"

namespace lodestone::coordinator {

namespace fs = std::filesystem;

namespace {

constexpr const char* kTemporaryMark = ".tmp";

// A name that does not match that of a checkpoint and contains this process's id: "step-00000100.tmp-1234".
fs::path temporary_for(const fs::path& path, const char* suffix = "") {
  return path.string() + kTemporaryMark + "-" + std::to_string(::getpid()) + suffix;
}

// Whether `name` is a temporary file of this program that no process is writing. A file with the id of this
// process is from an earlier one, since a process saves one checkpoint at a time; ids repeat in containers.
bool is_leftover(const std::string& name) {
  const size_t mark = name.find(kTemporaryMark);
  if (mark == std::string::npos || !(name.starts_with("step-") || name.starts_with("latest."))) return false;
  const std::string owner = name.substr(mark + std::string_view(kTemporaryMark).size());
  const long pid = std::labs(std::strtol(owner.c_str(), nullptr, 10));
  return pid > 0 && (pid == ::getpid() || (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH));
}

void remove_leftovers(const fs::path& root) {
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator entry(root, ignored), end; !ignored && entry != end; entry.increment(ignored))
    if (is_leftover(entry->path().filename().string())) leftovers.push_back(entry->path());
  for (const auto& path : leftovers) fs::remove_all(path, ignored);
}

// A folder with a temporary name, removed by the destructor unless it was renamed.
class TemporaryCheckpoint {
 public:
  explicit TemporaryCheckpoint(const fs::path& target) : path_(temporary_for(target)) { make_folders(path_); }
  ~TemporaryCheckpoint() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryCheckpoint(const TemporaryCheckpoint&) = delete;
  TemporaryCheckpoint& operator=(const TemporaryCheckpoint&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Refuses values that JSON cannot represent: NaN, and text that is not UTF-8, would
// be restored as something else.
void check_kept(const nlohmann::json& value, const std::string& where) {
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    throw CheckpointError("checkpoint: state" + where + ": expected a finite number, got " +
                          std::to_string(value.get<double>()) + "; leave it out or store it in a tensor");
  if (value.is_string() && !is_utf8(value.get_ref<const std::string&>()))
    throw CheckpointError("checkpoint: state" + where + ": expected text in UTF-8, got " +
                          printable(value.get_ref<const std::string&>()) + "; store it as a tensor of bytes");
  if (!value.is_structured()) return;
  for (const auto& [key, member] : value.items()) check_kept(member, where + "/" + printable(key));
}

std::string state_text(const nlohmann::json& state) {
  check_kept(state, "");
  return json_text(state, 2) + "\n";
}

void check_group_name(const std::string& group) {
  if (group.empty() || group.front() == '.' ||
      group.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
    throw CheckpointError("checkpoint: expected a group name that can be a file's, got '" + group + "'");
}

// A file that has been written but may not be durable yet, and its entry of the manifest.
struct UnderWay {
  std::string name;
  FileWriter writer;
  ManifestFile described;
};

UnderWay start_file(const fs::path& folder, const std::string& name) {
  return {name, FileWriter(folder / name), {}};
}

UnderWay write_image(const fs::path& folder, const std::string& group, const FileImages::Image& image) {
  check_group_name(group);
  UnderWay file = start_file(folder, group + kTensorSuffix);
  const std::string_view bytes = image.bytes();
  file.writer.write(image.plan.head);
  for (const auto& place : image.plan.places) {
    const std::string_view slice = bytes.substr(place.offset, place.bytes);
    file.writer.write(slice);
    file.described.tensors[place.name] = {place.offset, place.bytes, checksum(slice)};
  }
  return file;
}

UnderWay write_text(const fs::path& folder, const std::string& name, const std::string& text) {
  UnderWay file = start_file(folder, name);
  file.writer.write(text);
  return file;
}

// Writes all files, the manifest last, and makes each durable; returns their size. The disk stores the first
// files while later ones are written.
uint64_t write_files(const fs::path& folder, const FileImages& images, const nlohmann::json& state,
                     const SaveInfo& info) {
  Manifest manifest{info.step,
                    info.world,
                    checksum(info.config_yaml),
                    "lodestone " + lodestone_version() + ", libtorch " + libtorch_version(),
                    info.generation,
                    info.metrics,
                    {},
                    info.code};
  std::vector<UnderWay> files;
  for (const auto& [group, image] : images.images()) files.push_back(write_image(folder, group, image));
  files.push_back(write_text(folder, kStateFile, state_text(state)));
  files.push_back(write_text(folder, kConfigFile, info.config_yaml));
  uint64_t total = 0;
  for (auto& file : files) {
    total += file.described.bytes = file.writer.bytes();
    file.described.checksum = file.writer.finish();
    manifest.files[file.name] = std::move(file.described);
  }
  const std::string text = render_manifest(manifest);
  write_text(folder, Manifest::kFileName, text).writer.finish();
  sync_folder(folder);
  return total + text.size();
}

// Whether an intact checkpoint of the same step and configuration exists. If
// not, an existing one is replaced.
bool is_saved_already(const fs::path& path, const SaveInfo& info, uint64_t& bytes, const Warn& warn) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return false;
  const auto report = verify_checkpoint(path);
  const bool same = report.config_hash == checksum(info.config_yaml) && report.world == info.world &&
                    report.code == info.code;
  for (const auto& item : report.items) bytes += item.tensor.empty() ? item.bytes : 0;
  if (report.ok() && same) return true;
  bytes = 0;
  if (warn)
    warn("checkpoint: " + path.string() + " is replaced: " +
         (report.ok() ? "it belongs to another configuration, world or code"
                      : "it is damaged: " + report.damage()));
  return false;
}

// Renames the finished folder to its final name. An existing folder of that name (damaged, or of another
// configuration) is moved aside first, and restored if the new one cannot take its place.
void commit(const fs::path& temporary, const fs::path& path) {
  std::error_code error;
  const fs::path aside = temporary_for(path, "-old");
  const bool replaces = fs::exists(path, error);
  if (replaces) fs::rename(path, aside, error);
  try {
    rename_synced(temporary, path);
  } catch (...) {
    if (replaces && !fs::exists(path, error)) fs::rename(aside, path, error);
    throw;
  }
  fs::remove_all(aside, error);
}

// Old checkpoints are renamed before they are deleted, so that a crash leaves a temporary
// folder, not half a checkpoint.
void retain(const fs::path& root, const fs::path& saved, const Retention& retention, const Warn& warn) {
  for (const auto& path : retention.superfluous(root, saved)) {
    std::error_code error;
    const fs::path aside = temporary_for(path, "-old");
    fs::rename(path, aside, error);
    if (!error) fs::remove_all(aside, error);
    if (error && warn)
      warn("checkpoint: cannot delete " + path.string() + ": " + error.message() + "; delete it by hand");
  }
}

// A checkpoint is found without `latest`, so a failure here is not a failure of the save.
void name_latest(const fs::path& root, const fs::path& saved, const Warn& warn) {
  try {
    write_file_atomic(root / "latest", saved.filename().string() + "\n");
  } catch (const IoError& error) {
    if (warn)
      warn(std::string("checkpoint: ") + saved.string() +
           " is saved, but `latest` doesn't name it: " + error.what());
  }
}

}  // namespace

SavedCheckpoint save_checkpoint(const fs::path& root, const FileImages& images, const nlohmann::json& state,
                                const SaveInfo& info, const Warn& warn) {
  const auto start = std::chrono::steady_clock::now();
  make_folders(root);
  sync_folder(root.has_parent_path() ? root.parent_path() : fs::path("."));
  remove_leftovers(root);

  SavedCheckpoint saved{root / step_name(info.step)};
  saved.kept = is_saved_already(saved.path, info, saved.bytes, warn);
  if (!saved.kept) {
    const TemporaryCheckpoint temporary(saved.path);
    saved.bytes = write_files(temporary.path(), images, state, info);
    commit(temporary.path(), saved.path);
  }
  name_latest(root, saved.path, warn);
  retain(root, saved.path, info.retention, warn);
  saved.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return saved;
}

SavedCheckpoint save_checkpoint(const fs::path& root, const Snapshot& snapshot, const SaveInfo& info,
                                const Warn& warn) {
  FileImages images;
  images.fill(snapshot.tensors);
  return save_checkpoint(root, images, snapshot.state, info, warn);
}

}  // namespace lodestone::coordinator
