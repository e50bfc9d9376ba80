#include "sampler/codecs/shrink.h"

#include <algorithm>

namespace lodestone::sampler {

namespace {

int scaled(int length, int side, int longest) {
  return std::max(1, static_cast<int>(int64_t{length} * side / longest));
}

// The first pixel that pixel `i` of `size` covers in a row of `from`.
int begin_of(int i, int size, int from) {
  return static_cast<int>(int64_t{i} * from / size);
}

}  // namespace

Image shrunk(Image image, int side) {
  const int longest = std::max(image.width, image.height);
  if (longest <= side) return image;
  Image small(scaled(image.width, side, longest), scaled(image.height, side, longest), image.channels);
  for (int y = 0; y < small.height; ++y) {
    const int top = begin_of(y, small.height, image.height);
    const int bottom = begin_of(y + 1, small.height, image.height);
    for (int x = 0; x < small.width; ++x) {
      const int left = begin_of(x, small.width, image.width);
      const int right = begin_of(x + 1, small.width, image.width);
      const int64_t covered = int64_t{right - left} * (bottom - top);
      for (int c = 0; c < image.channels; ++c) {
        int64_t sum = covered / 2;
        for (int v = top; v < bottom; ++v)
          for (int u = left; u < right; ++u) sum += image.at(u, v, c);
        small.at(x, y, c) = static_cast<uint8_t>(sum / covered);
      }
    }
  }
  return small;
}

}  // namespace lodestone::sampler
