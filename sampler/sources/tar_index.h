#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampler/left_out.h"
#include "sampler/sources/positioned_file.h"

namespace lodestone {

/// An ordinary file inside a tar: its content is bytes [offset, offset + size) of the tar itself.
struct TarMember {
  std::string name;
  int64_t offset = 0;
  int64_t size = 0;
};

struct TarIndex {
  std::vector<TarMember> members;  ///< in the order of the tar
  LeftOut
      left_out;  ///< links, devices, sparse files, names that are absolute, hold ".." or exceed 4096 bytes
};

/// Lists a tar (ustar, pax, GNU) without reading the contents. Directories are left out in silence.
/// Cost      one seek and one block per member
/// Throws    DataError naming file and offset if it is compressed, no tar, damaged, or ends too early
TarIndex index_tar(const PositionedFile& file);

}  // namespace lodestone
