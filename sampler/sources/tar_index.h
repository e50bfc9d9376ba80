#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampler/files/positioned_file.h"
#include "sampler/left_out.h"

namespace lodestone::sampler {

/// A regular file inside a tar: its content is bytes [offset, offset + size) of the tar itself.
struct TarMember {
  std::string name;
  int64_t offset = 0;
  int64_t size = 0;
};

/// The regular files inside a tar.
struct TarIndex {
  std::vector<TarMember> members;  ///< in the order of the tar
  /// Links, devices, sparse files, and names that are absolute, contain ".." or exceed 4096 bytes.
  LeftOut left_out;
};

/// Lists the members of a tar (ustar, pax, GNU) without reading their contents. Directories are ignored.
/// Cost      one seek and one block per member.
/// Throws    DataError naming file and offset if it is compressed, damaged, truncated or no tar.
TarIndex index_tar(const PositionedFile& file);

}  // namespace lodestone::sampler
