#pragma once

#include <filesystem>

namespace lodestone {

// open(2) with O_CLOEXEC for paths that a user or a folder names. Neither waits, as open(2) does for the
// other end of a FIFO. Both return -1 and set errno if the call fails.

/// Anything. Reads and writes do not wait either (O_NONBLOCK).
int open_at_once(const std::filesystem::path& path, int flags, unsigned mode = 0644);

/// A regular file. Throws IoError if a FIFO, a socket, a device or a folder is there.
int open_regular(const std::filesystem::path& path, int flags, unsigned mode = 0644);

}  // namespace lodestone
