#include "data/shard_reader.h"

#include <memory>
#include <stdexcept>

#include <archive.h>
#include <archive_entry.h>
#include <nlohmann/json.hpp>

#include "common/files.h"

namespace lodestone {

std::vector<Member> read_shard(const std::filesystem::path& path) {
  const std::unique_ptr<archive, decltype(&archive_read_free)> tar(archive_read_new(), &archive_read_free);
  archive_read_support_format_tar(tar.get());
  if (archive_read_open_filename(tar.get(), path.c_str(), 1 << 16) != ARCHIVE_OK)
    throw std::runtime_error("cannot open " + path.string());
  std::vector<Member> members;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(tar.get(), &entry) == ARCHIVE_OK) {
    std::string bytes(static_cast<size_t>(archive_entry_size(entry)), '\0');
    archive_read_data(tar.get(), bytes.data(), bytes.size());
    members.emplace_back(archive_entry_pathname(entry), std::move(bytes));
  }
  return members;
}

std::vector<Sample> read_split(const std::filesystem::path& folder, Split split) {
  std::vector<Sample> samples;
  for (const auto& [name, bytes] : read_folder(folder)) {
    if (!name.starts_with(std::string(name_of(split)) + "-")) continue;
    std::string png;
    for (const auto& [member, content] : read_shard(folder / name)) {
      if (member.ends_with(".png")) {
        png = content;
        continue;
      }
      const auto about = nlohmann::json::parse(content);
      samples.push_back({member.substr(0, member.find('.')), about.at("class"), about.at("group"),
                         about.at("script"), about.at("typeface"), png});
    }
  }
  return samples;
}

std::map<std::string, std::string> read_folder(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file()) files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

}  // namespace lodestone
