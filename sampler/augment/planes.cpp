#include "sampler/augment/planes.h"

#include <algorithm>
#include <cmath>

namespace lodestone::sampler {

namespace {

/// For each output position along one axis: which inputs count, with which weights. The weights of one output
/// sum to 1.
struct Taps {
  std::vector<int> first;      // by output
  std::vector<size_t> offset;  // by output, into weights; one more at the end
  std::vector<float> weights;
};

/// A triangle about the output pixel's centre. It ends at the centre of the next output pixel, or of the next
/// input pixel where the image grows; it is cut at the edge and normalised.
Taps taps_for(int in, int out) {
  Taps taps;
  const double step = static_cast<double>(in) / out;
  const double reach = std::max(step, 1.0);
  for (int o = 0; o < out; ++o) {
    const double centre = (o + 0.5) * step;
    const int first = std::max(0, static_cast<int>(centre - reach + 0.5));
    const int last = std::min(in, static_cast<int>(centre + reach + 0.5));
    const auto weight = [&](int i) { return std::max(0.0, 1.0 - std::abs(i + 0.5 - centre) / reach); };
    double sum = 0;
    for (int i = first; i < last; ++i) sum += weight(i);
    taps.offset.push_back(taps.weights.size());
    taps.first.push_back(first);
    for (int i = first; i < last; ++i) taps.weights.push_back(static_cast<float>(weight(i) / sum));
  }
  taps.offset.push_back(taps.weights.size());
  return taps;
}

/// One channel of either representation: value (x, y) is base[y·pitch + x·stride]·unit.
template <typename Value>
struct Channel {
  const Value* base;
  size_t stride;
  size_t pitch;
  float unit;
};

template <typename Value>
void resize_row(const Channel<Value>& channel, size_t y, const Taps& taps, std::vector<float>& row) {
  const Value* begin = channel.base + y * channel.pitch;
  for (size_t x = 0; x < row.size(); ++x) {
    const Value* value = begin + static_cast<size_t>(taps.first[x]) * channel.stride;
    float sum = 0.0f;
    for (size_t t = taps.offset[x]; t < taps.offset[x + 1]; ++t, value += channel.stride)
      sum += taps.weights[t] * static_cast<float>(*value);
    row[x] = sum * channel.unit;
  }
}

// Adds input row `y` to output row `o`, if it counts there. The rows of one output come in ascending order.
void add_row(const std::vector<float>& row, size_t y, const Taps& taps, size_t o, float* out) {
  const auto first = static_cast<size_t>(taps.first[o]);
  const size_t tap = taps.offset[o] + (y - first);
  if (y < first || tap >= taps.offset[o + 1]) return;
  for (size_t x = 0; x < row.size(); ++x) out[x] += taps.weights[tap] * row[x];
}

/// Row by row, so that an image of any height takes memory for one row beside the result.
template <typename Value>
void resize_plane(const Channel<Value>& channel, size_t in_height, const Taps& across, const Taps& down,
                  float* out) {
  std::vector<float> row(across.first.size());
  const size_t outputs = down.first.size();
  size_t begin = 0, end = 0;  // the outputs that the row may count for: both ends of their inputs only grow
  for (size_t y = 0; y < in_height; ++y) {
    while (end < outputs && static_cast<size_t>(down.first[end]) <= y) ++end;
    while (begin < end &&
           static_cast<size_t>(down.first[begin]) + down.offset[begin + 1] - down.offset[begin] <= y)
      ++begin;
    if (begin == end) continue;
    resize_row(channel, y, across, row);
    for (size_t o = begin; o < end; ++o) add_row(row, y, down, o, out + o * row.size());
  }
}

template <typename SourceOf>
Planes resize(int in_width, int in_height, int channels, int width, int height, const SourceOf& source_of) {
  Planes out{width, height, channels, {}};
  out.values.resize(out.plane_size() * static_cast<size_t>(channels));
  const Taps across = taps_for(in_width, width);
  const Taps down = taps_for(in_height, height);
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c)
    resize_plane(source_of(c), static_cast<size_t>(in_height), across, down,
                 out.values.data() + c * out.plane_size());
  return out;
}

}  // namespace

Planes resized(const Image& image, const Box& box, int width, int height) {
  const auto stride = static_cast<size_t>(image.channels);
  const size_t pitch = stride * static_cast<size_t>(image.width);
  const size_t corner = static_cast<size_t>(box.y) * pitch + static_cast<size_t>(box.x) * stride;
  return resize(box.width, box.height, image.channels, width, height, [&](size_t c) {
    return Channel<uint8_t>{image.pixels.data() + corner + c, stride, pitch, 1.0f / 255.0f};
  });
}

Planes resized(const Image& image, int width, int height) {
  return resized(image, {0, 0, image.width, image.height}, width, height);
}

Planes resized(const Planes& planes, int width, int height) {
  if (planes.width == width && planes.height == height) return planes;
  return resize(planes.width, planes.height, planes.channels, width, height, [&](size_t c) {
    return Channel<float>{planes.values.data() + c * planes.plane_size(), 1,
                          static_cast<size_t>(planes.width), 1.0f};
  });
}

void mirror(Planes& planes) {
  const auto width = static_cast<std::ptrdiff_t>(planes.width);
  for (auto row = planes.values.begin(); row != planes.values.end(); row += width)
    std::reverse(row, row + width);
}

}  // namespace lodestone::sampler
