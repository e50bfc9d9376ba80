#include "sampler/sources/tar_shard.h"

#include <string_view>

#include "common/error.h"
#include "sampler/sources/image_files.h"

namespace lodestone::sampler {

ImageName ImageName::of(const std::string& text) {
  constexpr std::string_view kWithin = ".tar!";
  const size_t end = text.find(kWithin);
  if (end == std::string::npos) return {text, {}};
  return {text.substr(0, end + kWithin.size() - 1), text.substr(end + kWithin.size())};
}

std::string TarShard::where(size_t i) const {
  return path_ + "!" + std::string(index_.name(i)) + " (offset " + std::to_string(index_.offset(i)) + ")";
}

std::vector<std::byte> TarShard::encoded(size_t i) const {
  const int64_t offset = index_.offset(i), size = index_.size[i];
  if (size > static_cast<int64_t>(kMaxImageBytes))
    throw DataError("shard: expected an image of at most 256 MiB, got " + std::to_string(size) +
                    " bytes in " + where(i) + "; remove it");
  return open_ ? open_->read(offset, size) : PositionedFile(path_).read(offset, size);
}

Image TarShard::get(size_t i, const DecodeOptions& decode) const {
  return decode_image(encoded(i), decode, where(i));
}

}  // namespace lodestone::sampler
