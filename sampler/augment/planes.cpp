#include "sampler/augment/planes.h"

#include <algorithm>
#include <cmath>

namespace lodestone {

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
struct Source {
  const Value* base;
  size_t stride;
  size_t pitch;
  float unit;
};

template <typename Value>
void resize_rows(const Source<Value>& source, int height, const Taps& taps, std::vector<float>& rows) {
  const size_t width = taps.first.size();
  for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
    const Value* row = source.base + y * source.pitch;
    for (size_t x = 0; x < width; ++x) {
      const Value* value = row + static_cast<size_t>(taps.first[x]) * source.stride;
      float sum = 0.0f;
      for (size_t t = taps.offset[x]; t < taps.offset[x + 1]; ++t, value += source.stride)
        sum += taps.weights[t] * static_cast<float>(*value);
      rows[y * width + x] = sum * source.unit;
    }
  }
}

void resize_columns(const std::vector<float>& rows, size_t width, const Taps& taps, float* out) {
  for (size_t y = 0; y < taps.first.size(); ++y, out += width) {
    std::fill(out, out + width, 0.0f);
    const float* row = rows.data() + static_cast<size_t>(taps.first[y]) * width;
    for (size_t t = taps.offset[y]; t < taps.offset[y + 1]; ++t, row += width)
      for (size_t x = 0; x < width; ++x) out[x] += taps.weights[t] * row[x];
  }
}

template <typename SourceOf>
Planes resize(int in_width, int in_height, int channels, int width, int height, const SourceOf& source_of) {
  Planes out{width, height, channels, {}};
  out.values.resize(out.plane_size() * static_cast<size_t>(channels));
  const Taps across = taps_for(in_width, width);
  const Taps down = taps_for(in_height, height);
  std::vector<float> rows(static_cast<size_t>(in_height) * static_cast<size_t>(width));
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    resize_rows(source_of(c), in_height, across, rows);
    resize_columns(rows, static_cast<size_t>(width), down, out.values.data() + c * out.plane_size());
  }
  return out;
}

}  // namespace

Planes resized(const Image& image, const Box& box, int width, int height) {
  const auto stride = static_cast<size_t>(image.channels);
  const size_t pitch = stride * static_cast<size_t>(image.width);
  const size_t corner = static_cast<size_t>(box.y) * pitch + static_cast<size_t>(box.x) * stride;
  return resize(box.width, box.height, image.channels, width, height, [&](size_t c) {
    return Source<uint8_t>{image.pixels.data() + corner + c, stride, pitch, 1.0f / 255.0f};
  });
}

Planes resized(const Image& image, int width, int height) {
  return resized(image, {0, 0, image.width, image.height}, width, height);
}

Planes resized(const Planes& planes, int width, int height) {
  if (planes.width == width && planes.height == height) return planes;
  return resize(planes.width, planes.height, planes.channels, width, height, [&](size_t c) {
    return Source<float>{planes.values.data() + c * planes.plane_size(), 1, static_cast<size_t>(planes.width),
                         1.0f};
  });
}

void mirror(Planes& planes) {
  const auto width = static_cast<std::ptrdiff_t>(planes.width);
  for (auto row = planes.values.begin(); row != planes.values.end(); row += width)
    std::reverse(row, row + width);
}

}  // namespace lodestone
