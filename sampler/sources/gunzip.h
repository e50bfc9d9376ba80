#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lodestone {

/// What a file holds, gzip-compressed if its name ends in .gz, else as it is. Throws DataError naming the file if it cannot be read,
/// is damaged or cut short, or holds more than `max_bytes`. Cost      memory for the content, twice while it grows
std::vector<std::byte> read_maybe_gzip(const std::string& path, int64_t max_bytes);

}  // namespace lodestone
