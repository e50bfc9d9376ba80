#include <memory>

#include <webp/decode.h>
#include <webp/demux.h>

#include "common/error.h"
#include "sampler/codecs/decode_formats.h"
#include "sampler/codecs/orientation.h"

namespace lodestone::sampler {

namespace {

struct Delete {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

[[noreturn]] void refuse(const std::string& got, std::string_view where) {
  throw DataError("image: expected a valid WebP, got " + got + " in " + std::string(where) +
                  "; replace or remove this image");
}

int orientation(std::span<const std::byte> data) {
  const WebPData bytes{reinterpret_cast<const uint8_t*>(data.data()), data.size()};
  const std::unique_ptr<WebPDemuxer, Delete> demuxer(WebPDemux(&bytes));
  WebPChunkIterator chunk;
  if (!demuxer || WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) == 0) return 1;
  const int found =
      exif_orientation({reinterpret_cast<const std::byte*>(chunk.chunk.bytes), chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return found;
}

}  // namespace

Image decode_webp(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(data.data());
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes, data.size(), &features) != VP8_STATUS_OK) refuse("a damaged header", where);
  if (features.has_animation) refuse("an animation", where);
  check_size(features.width, features.height, options, where);
  const auto pixels = static_cast<size_t>(features.width) * static_cast<size_t>(features.height);
  std::vector<uint8_t> rgba(pixels * 4);
  if (WebPDecodeRGBAInto(bytes, data.size(), rgba.data(), rgba.size(), features.width * 4) == nullptr)
    refuse("damaged or missing pixels", where);
  return oriented(from_rgba(rgba, features.width, features.height, options), orientation(data));
}

}  // namespace lodestone::sampler
