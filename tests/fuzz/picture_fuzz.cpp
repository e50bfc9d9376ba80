#include "fuzz/input.h"
#include "sampler/codecs/decode.h"
#include "sampler/codecs/image_size.h"
#include "sampler/codecs/orientation.h"

/// Any bytes become an image of the size they say, or a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  using namespace lodestone::sampler;
  const auto bytes = std::as_bytes(std::span(data, size));
  exif_orientation(bytes);
  const auto claimed = image_size(bytes);
  for (const int channels : {1, 3})
    for (const int at_least : {0, 8})
      fuzz::refusing([&] {
        DecodeOptions options;
        options.channels = channels;
        options.at_least = at_least;
        options.max_pixels = int64_t{1} << 18;
        const Image image = decode_image(bytes, options, "input");
        if (image.channels != channels || image.width < 1 || image.height < 1 ||
            image.pixels.size() != static_cast<size_t>(image.width * image.height * channels))
          std::abort();
        // Memory is taken by the claim, before the decoder is asked.
        if (at_least == 0 && (!claimed || claimed->width * claimed->height != image.width * image.height))
          std::abort();
      });
  return 0;
}
