#include "sampler/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lodestone {

namespace {

/// (x, y) -> (xx·x + xy·y + x0, yx·x + yy·y + y0), in pixels, pixel centres at whole numbers.
struct Map {
  double xx, xy, yx, yy, x0, y0;
};

// From output pixels to the input pixels they come from.
Map backwards(const Planes& planes, const Motion& motion, double aspect_width, double aspect_height) {
  const double radians = motion.rotation * std::numbers::pi / 180.0;
  const double c = std::cos(radians);
  const double s = std::sin(radians);
  const double k = std::tan(motion.shear * std::numbers::pi / 180.0);
  const double fx = (motion.flip ? -1.0 : 1.0) / motion.scale;
  const double fy = 1.0 / motion.scale;
  // Inverse of R · [1 k; 0 1] · diag(1/fx, 1/fy):
  const double ixx = fx * (c + k * s), ixy = fx * (s - k * c);
  const double iyx = fy * -s, iyy = fy * c;
  // The same between pixel grids whose steps are ux and uy long.
  const double ux = aspect_width / planes.width;
  const double uy = aspect_height / planes.height;
  Map map{ixx, ixy * uy / ux, iyx * ux / uy, iyy, 0.0, 0.0};
  const double cx = (planes.width - 1) / 2.0;
  const double cy = (planes.height - 1) / 2.0;
  const double ox = cx + motion.shift_x * planes.width;
  const double oy = cy + motion.shift_y * planes.height;
  map.x0 = cx - map.xx * ox - map.xy * oy;
  map.y0 = cy - map.yx * ox - map.yy * oy;
  return map;
}

float look_up(const float* plane, int width, int height, double x, double y, float border) {
  if (!(x > -1.0 && y > -1.0 && x < width && y < height)) return border;
  const int left = static_cast<int>(x + 1.0) - 1;  // floor, without a call
  const int top = static_cast<int>(y + 1.0) - 1;
  const auto fx = static_cast<float>(x - left);
  const auto fy = static_cast<float>(y - top);
  if (left >= 0 && top >= 0 && left + 1 < width && top + 1 < height) {
    const float* corner = plane + top * width + left;
    const float above = corner[0] + (corner[1] - corner[0]) * fx;
    const float below = corner[width] + (corner[width + 1] - corner[width]) * fx;
    return above + (below - above) * fy;
  }
  const auto value = [&](int px, int py) {
    return px >= 0 && py >= 0 && px < width && py < height ? plane[py * width + px] : border;
  };
  const float above = value(left, top) * (1 - fx) + value(left + 1, top) * fx;
  const float below = value(left, top + 1) * (1 - fx) + value(left + 1, top + 1) * fx;
  return above * (1 - fy) + below * fy;
}

}  // namespace

Planes moved(const Planes& planes, const Motion& motion, double aspect_width, double aspect_height,
             const std::vector<float>& border) {
  const Map map = backwards(planes, motion, aspect_width, aspect_height);
  Planes out{planes.width, planes.height, planes.channels, std::vector<float>(planes.values.size())};
  float* target = out.values.data();
  for (size_t c = 0; c < static_cast<size_t>(planes.channels); ++c) {
    const float* plane = planes.values.data() + c * planes.plane_size();
    for (int y = 0; y < planes.height; ++y)
      for (int x = 0; x < planes.width; ++x)
        *target++ = look_up(plane, planes.width, planes.height, map.xx * x + map.xy * y + map.x0,
                            map.yx * x + map.yy * y + map.y0, border[c]);
  }
  return out;
}

std::vector<float> border_median(const Planes& planes) {
  std::vector<float> medians;
  const auto width = static_cast<size_t>(planes.width);
  const auto height = static_cast<size_t>(planes.height);
  for (size_t c = 0; c < static_cast<size_t>(planes.channels); ++c) {
    const float* plane = planes.values.data() + c * planes.plane_size();
    std::vector<float> edge(plane, plane + width);
    edge.insert(edge.end(), plane + (height - 1) * width, plane + height * width);
    for (size_t y = 0; y < height; ++y) {
      edge.push_back(plane[y * width]);
      edge.push_back(plane[(y + 1) * width - 1]);
    }
    const auto middle = edge.begin() + static_cast<std::ptrdiff_t>(edge.size() / 2);
    std::nth_element(edge.begin(), middle, edge.end());
    medians.push_back(*middle);
  }
  return medians;
}

}  // namespace lodestone
