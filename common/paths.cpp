#include "common/paths.h"

#include <algorithm>
#include <cstdlib>

#include "common/error.h"
#include "common/printable.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The system's calls would look up the part before a NUL byte.
fs::file_status status_of(const fs::path& path) noexcept {
  std::error_code error;
  if (path.native().find('\0') != std::string::npos) return fs::file_status(fs::file_type::none);
  return fs::status(path, error);
}

std::string home_folder(const std::string& value, const std::string& what) {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return home;
  throw ConfigError(what + ": expected a home folder for '" + printable(value) +
                    "', got none, since HOME is not set; write the whole path");
}

}  // namespace

bool is_file(const fs::path& path) noexcept {
  return status_of(path).type() == fs::file_type::regular;
}

bool is_folder(const fs::path& path) noexcept {
  return status_of(path).type() == fs::file_type::directory;
}

bool path_exists(const fs::path& path) noexcept {
  const fs::file_type type = status_of(path).type();
  return type != fs::file_type::none && type != fs::file_type::not_found;
}

std::optional<uint64_t> size_of_file(const fs::path& path) noexcept {
  if (!is_file(path)) return {};
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error) return {};
  return size;
}

std::vector<fs::path> folder_entries(const fs::path& folder, std::error_code& error) {
  std::vector<fs::path> entries;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    entries.push_back(entry->path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

fs::path absolute_path(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? path : absolute.lexically_normal();
}

bool has_scheme(std::string_view text) {
  const size_t end = text.find("://");
  if (end == std::string_view::npos || end == 0 || !is_letter(text[0])) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-';
  });
}

std::string user_path(const std::string& value, const std::string& what) {
  if (value.find('\0') != std::string::npos)
    throw ConfigError(what + ": expected a path, got one with a NUL byte in it, '" + printable(value) + "'");
  if (has_scheme(value))
    throw ConfigError(what + ": expected a path on this machine, got '" + printable(value) +
                      "'; object stores and web addresses are not supported: copy or mount data first, and "
                      "write runs and results to a local or shared folder");
  if (!value.starts_with('~')) return value;
  if (value.size() == 1) return home_folder(value, what);
  if (value[1] == '/') return home_folder(value, what) + value.substr(1);
  throw ConfigError(what + ": expected a path, ~ or ~/…, got '" + printable(value) +
                    "'; write the whole path of another user's folder, and ./" + printable(value) +
                    " for a name that begins with ~");
}

}  // namespace lodestone
