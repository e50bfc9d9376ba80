#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lodestone::sampler {

/// Reads a file, and decompresses it if its name ends in .gz.
/// Cost      memory for the content, twice while it grows.
/// Throws    DataError naming the file if it cannot be read, is damaged or truncated, or has more than
///           `max_bytes`.
std::vector<std::byte> read_maybe_gzip(const std::string& path, int64_t max_bytes);

}  // namespace lodestone::sampler
