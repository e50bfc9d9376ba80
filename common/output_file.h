#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

namespace lodestone {

/// The file that `path` leads to by symbolic links: `path` itself if it is none. Links of /proc (/dev/stdout
/// and /dev/fd/3 lead there) stay, since what they name is a descriptor. Throws IoError if links form a
/// circle.
std::filesystem::path behind_links(const std::filesystem::path& path);

/// Writes a file that the user names, as write_file_atomic does, except that a symbolic link stays and the
/// file behind it is replaced, that a descriptor of this process (/dev/stdout) is written to, whatever it
/// leads to, and that a FIFO may get its reader within `patience`. Files in a folder whose author may be
/// another are for write_file_atomic, which follows no link to a file. Throws IoError.
void write_output(const std::filesystem::path& path, std::string_view bytes,
                  std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace lodestone
