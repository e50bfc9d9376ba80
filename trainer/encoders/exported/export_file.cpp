#include "trainer/encoders/exported/export_file.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <ATen/ops/empty.h>
#include <archive.h>
#include <archive_entry.h>

#include "common/error.h"
#include "common/file_kind.h"
#include "common/printable.h"

namespace lodestone::encoders::exported {

namespace {

constexpr const char* kWriter = "; save the program with torch.export.save, or tools/export_encoder.py";

struct Free {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, Free>;

[[noreturn]] void refuse(const std::string& file, const std::string& found) {
  throw DataError("exported: expected a program that torch.export.save wrote in " + file + ", got " + found +
                  kWriter);
}

std::string reason(archive* reader) {
  const char* text = archive_error_string(reader);
  return text != nullptr ? text : "a damaged archive";
}

// The first bytes of a file that is no archive say what it is.
std::string kind_of(std::string_view bytes) {
  const FileKind* kind = file_kind(bytes.substr(0, 32));
  return kind != nullptr ? kind->name : "a file of another kind";
}

// "encoder/models/model.json" without the archive's own folder.
std::string below_folder(const std::string& path) {
  return path.substr(path.find('/') + 1);
}

// "text" for "models/text.json".
std::vector<std::string> programs_of(const std::map<std::string, at::Tensor>& entries) {
  constexpr std::string_view kBegin = "models/", kEnd = ".json";
  std::vector<std::string> names;
  for (const auto& [entry, bytes] : entries)
    if (entry.size() > kBegin.size() + kEnd.size() && entry.starts_with(kBegin) && entry.ends_with(kEnd))
      names.push_back(entry.substr(kBegin.size(), entry.size() - kBegin.size() - kEnd.size()));
  return names;
}

at::Tensor content(archive* reader, archive_entry* entry, const std::string& file, uint64_t most) {
  const std::string name = archive_entry_pathname(entry);
  const auto size = static_cast<uint64_t>(archive_entry_size(entry));
  if (!archive_entry_size_is_set(entry) || size > most)
    refuse(file, "an archive whose entry " + name + " claims more bytes than the file has");
  at::Tensor bytes = at::empty({static_cast<int64_t>(size)}, at::kByte);
  auto* out = bytes.mutable_data_ptr<uint8_t>();
  for (size_t done = 0; done < size;) {
    const la_ssize_t got = archive_read_data(reader, out + done, size - done);
    if (got < 0) refuse(file, "an archive that is damaged: " + reason(reader));
    if (got == 0) refuse(file, "an archive whose entry " + name + " is cut");
    done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace

ExportFile::ExportFile(std::string file, std::string_view bytes) : file_(std::move(file)) {
  const Reader reader(archive_read_new());
  archive_read_support_format_zip(reader.get());
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    refuse(file_, kind_of(bytes));
  // The list of entries stands at the end; libarchive reads the entries of a cut file without it.
  constexpr size_t kEnd = 22 + 65535;
  const size_t tail = bytes.size() - std::min(bytes.size(), kEnd);
  if (bytes.starts_with("PK") && bytes.substr(tail).rfind("PK\x05\x06") == std::string_view::npos)
    refuse(file_, "an archive that is cut");
  uint64_t left = bytes.size();
  archive_entry* entry = nullptr;
  int code = ARCHIVE_OK;
  while ((code = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    const char* path = archive_entry_pathname(entry);
    if (path == nullptr) refuse(file_, "an archive with an entry without a name");
    const std::string name = below_folder(path);
    // Sample inputs are a pickle, which is never read.
    if (name.starts_with("data/sample_inputs/") || name.ends_with('/')) continue;
    const at::Tensor data = content(reader.get(), entry, file_, left);
    left -= static_cast<uint64_t>(data.numel());
    if (!entries_.emplace(name, data).second) refuse(file_, "an archive that has " + name + " twice");
  }
  if (code != ARCHIVE_EOF && entries_.empty()) refuse(file_, kind_of(bytes));
  if (code != ARCHIVE_EOF) refuse(file_, "an archive that is damaged: " + reason(reader.get()));
  if (programs_of(entries_).empty())
    refuse(file_, has("data.pkl") || has("code/__torch__.py") || has("constants.pkl")
                      ? "a TorchScript model (use encoder.name: torchscript) or a pickle"
                      : "an archive without models/model.json");
}

std::string ExportFile::program(const std::string& wanted) const {
  const std::vector<std::string> all = programs_of(entries_);
  if (wanted.empty() && all.size() == 1) return all[0];
  if (std::ranges::find(all, wanted) != all.end()) return wanted;
  std::string names;
  for (const std::string& name : all) names += (names.empty() ? "" : ", ") + printable(name);
  throw ConfigError("encoder.program: expected " +
                    (wanted.empty() ? "the name of one of several programs" : "a program '" + wanted + "'") +
                    " of " + file_ + ", which has " + names + "; name one of these");
}

int64_t ExportFile::size() const {
  int64_t bytes = 0;
  for (const auto& [name, data] : entries_) bytes += data.numel();
  return bytes;
}

const at::Tensor& ExportFile::bytes(const std::string& entry) const {
  const auto found = entries_.find(entry);
  if (found == entries_.end()) refuse(file_, "an archive without " + entry);
  return found->second;
}

std::string_view ExportFile::text(const std::string& entry) const {
  const at::Tensor& data = bytes(entry);
  return {reinterpret_cast<const char*>(data.const_data_ptr<uint8_t>()), static_cast<size_t>(data.numel())};
}

}  // namespace lodestone::encoders::exported
