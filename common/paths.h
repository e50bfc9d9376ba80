#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace lodestone {

/// The unit (FieldInfo::unit) of a configuration field that is a path or a list of paths. Values are
/// converted by user_path() when they are read.
inline constexpr const char* kPathUnit = "path";

// Queries about paths from users, the environment and data. If a path cannot be looked up (a NUL byte, a name
// over 255 bytes, a loop of links, a folder without permission), the answer is no, where std::filesystem
// would throw.

/// A regular file, or a link to one.
bool is_file(const std::filesystem::path& path) noexcept;
/// A folder, or a link to one.
bool is_folder(const std::filesystem::path& path) noexcept;
/// Anything, including pipes and devices.
bool path_exists(const std::filesystem::path& path) noexcept;
/// The size of a regular file in bytes; empty for anything else.
std::optional<uint64_t> size_of_file(const std::filesystem::path& path) noexcept;

/// The entries of a folder, sorted. If the folder cannot be read to its end, `error` is set and the result
/// has the entries read so far.
std::vector<std::filesystem::path> folder_entries(const std::filesystem::path& folder,
                                                  std::error_code& error);

/// The path from the root, without "." and ".."; links are not followed. If the working folder was removed,
/// the path is returned unchanged.
std::filesystem::path absolute_path(const std::filesystem::path& path);

/// Whether a text begins like an address on another machine or store: s3://…, https://….
bool has_scheme(std::string_view text);

/// Converts a path as written by a user: "~" and "~/x" become the home folder and paths below it; everything
/// else stays. `what` names the key or option in messages. Throws ConfigError for scheme://…, "~user/…", a
/// NUL byte, and "~" without a home folder.
std::string user_path(const std::string& value, const std::string& what);

}  // namespace lodestone
