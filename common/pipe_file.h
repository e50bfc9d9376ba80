#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace lodestone {

/// Reads a regular file, or what is written to a pipe (which a shell makes for `<(command)`). Throws IoError
/// if it cannot be read, is larger than `max_bytes`, if nothing is written to the pipe for `patience`, or if
/// its end comes first: a pipe that has been read already gives nothing the second time.
std::string read_file_or_pipe(const std::filesystem::path& path, uint64_t max_bytes,
                              std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace lodestone
