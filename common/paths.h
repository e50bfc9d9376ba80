#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace lodestone {

/// The unit of a configuration field that holds a path, or a list of them (FieldInfo::unit). What is read into it went through
/// user_path(), so that no path key goes its own way.
inline constexpr const char* kPathUnit = "path";

// Questions about paths that come from users, the environment and data. A path that cannot be looked up is a no: one with a NUL
// byte or a name over 255 bytes, a loop of links, a folder without permission. The same questions of std::filesystem throw then.

/// A regular file, or a link to one.
bool is_file(const std::filesystem::path& path) noexcept;
/// A folder, or a link to one.
bool is_folder(const std::filesystem::path& path) noexcept;
/// Anything at all: pipes and devices too.
bool path_exists(const std::filesystem::path& path) noexcept;
/// Bytes of a regular file.
std::optional<uint64_t> size_of_file(const std::filesystem::path& path) noexcept;

/// What lies directly in a folder, sorted. If `error` says that it could not be read to its end, what was found until then.
std::vector<std::filesystem::path> folder_entries(const std::filesystem::path& folder,
                                                  std::error_code& error);

/// From the root, without "." and ".."; links are not followed. Where the working folder is gone, the path as it is.
std::filesystem::path absolute_path(const std::filesystem::path& path);

/// Whether a text begins as the address of another machine or store does: s3://…, https://….
bool has_scheme(std::string_view text);

/// A path as a user wrote it, made ready: "~" and "~/x" are the home folder and what lies below it; everything else stays as it is.
/// `what` names the key or option in messages. Throws ConfigError for scheme://…, "~user/…", a NUL byte, and "~" without a home.
std::string user_path(const std::string& value, const std::string& what);

}  // namespace lodestone
