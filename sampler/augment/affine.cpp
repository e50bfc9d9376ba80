#include "sampler/augment/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lodestone::sampler {

namespace {

/// (x, y) -> (xx·x + xy·y + x0, yx·x + yy·y + y0), in pixels, pixel centres at whole numbers.
struct Map {
  double xx, xy, yx, yy, x0, y0;
};

// For numbers above -1; without a function call.
int floor_of(double value) {
  return static_cast<int>(value + 1.0) - 1;
}

float between(const float* corner, int width, float fx, float fy) {
  const float above = corner[0] + (corner[1] - corner[0]) * fx;
  const float below = corner[width] + (corner[width + 1] - corner[width]) * fx;
  return above + (below - above) * fy;
}

// From output pixels to their source positions in the input.
Map backwards(const Planes& planes, const AffineChange& affine, double aspect_width, double aspect_height) {
  const double radians = affine.rotation * std::numbers::pi / 180.0;
  const double c = std::cos(radians);
  const double s = std::sin(radians);
  const double k = std::tan(affine.shear * std::numbers::pi / 180.0);
  const double fx = (affine.flip ? -1.0 : 1.0) / affine.scale;
  const double fy = 1.0 / affine.scale;
  // Inverse of R · [1 k; 0 1] · diag(1/fx, 1/fy):
  const double ixx = fx * (c + k * s), ixy = fx * (s - k * c);
  const double iyx = fy * -s, iyy = fy * c;
  // The same between pixel grids with steps ux and uy.
  const double ux = aspect_width / planes.width;
  const double uy = aspect_height / planes.height;
  Map map{ixx, ixy * uy / ux, iyx * ux / uy, iyy, 0.0, 0.0};
  const double cx = (planes.width - 1) / 2.0;
  const double cy = (planes.height - 1) / 2.0;
  const double ox = cx + affine.shift_x * planes.width;
  const double oy = cy + affine.shift_y * planes.height;
  map.x0 = cx - map.xx * ox - map.xy * oy;
  map.y0 = cy - map.yx * ox - map.yy * oy;
  return map;
}

float look_up(const float* plane, int width, int height, double x, double y, float border) {
  if (!(x > -1.0 && y > -1.0 && x < width && y < height)) return border;
  const int left = floor_of(x), top = floor_of(y);
  const auto fx = static_cast<float>(x - left);
  const auto fy = static_cast<float>(y - top);
  if (left >= 0 && top >= 0 && left + 1 < width && top + 1 < height)
    return between(plane + top * width + left, width, fx, fy);
  const auto value = [&](int px, int py) {
    return px >= 0 && py >= 0 && px < width && py < height ? plane[py * width + px] : border;
  };
  const float above = value(left, top) * (1 - fx) + value(left + 1, top) * fx;
  const float below = value(left, top + 1) * (1 - fx) + value(left + 1, top + 1) * fx;
  return above * (1 - fy) + below * fy;
}

/// The source positions of one row of the output. The inner ones, an interval, have four input pixels around
/// them.
class RowPlaces {
 public:
  explicit RowPlaces(int width)
      : x_(static_cast<size_t>(width)), y_(x_.size()), corner_(x_.size()), fx_(x_.size()), fy_(x_.size()) {}

  void find(const Map& map, int row, const Planes& planes) {
    for (size_t i = 0; i < x_.size(); ++i) {
      const auto column = static_cast<double>(i);
      x_[i] = map.xx * column + map.xy * row + map.x0;
      y_[i] = map.yx * column + map.yy * row + map.y0;
    }
    const auto is_inner = [&](size_t i) {
      return x_[i] >= 0 && y_[i] >= 0 && x_[i] < planes.width && y_[i] < planes.height &&
             floor_of(x_[i]) + 1 < planes.width && floor_of(y_[i]) + 1 < planes.height;
    };
    for (begin_ = 0; begin_ < x_.size() && !is_inner(begin_);) ++begin_;
    for (end_ = begin_; end_ < x_.size() && is_inner(end_);) ++end_;
    for (size_t i = begin_; i < end_; ++i) {
      const int left = floor_of(x_[i]), top = floor_of(y_[i]);
      corner_[i] = top * planes.width + left;
      fx_[i] = static_cast<float>(x_[i] - left);
      fy_[i] = static_cast<float>(y_[i] - top);
    }
  }
  void look_up_all(const float* plane, const Planes& planes, float border, float* target) const {
    const auto at_edge = [&](size_t i) {
      target[i] = look_up(plane, planes.width, planes.height, x_[i], y_[i], border);
    };
    for (size_t i = 0; i < begin_; ++i) at_edge(i);
    for (size_t i = begin_; i < end_; ++i)
      target[i] = between(plane + corner_[i], planes.width, fx_[i], fy_[i]);
    for (size_t i = end_; i < x_.size(); ++i) at_edge(i);
  }

 private:
  std::vector<double> x_, y_;
  std::vector<int> corner_;
  std::vector<float> fx_, fy_;
  size_t begin_ = 0, end_ = 0;
};

}  // namespace

Planes apply_affine(const Planes& planes, const AffineChange& affine, double aspect_width,
                    double aspect_height, const std::vector<float>& border) {
  const Map map = backwards(planes, affine, aspect_width, aspect_height);
  Planes out{planes.width, planes.height, planes.channels, std::vector<float>(planes.values.size())};
  RowPlaces places(planes.width);
  for (int y = 0; y < planes.height; ++y) {
    places.find(map, y, planes);
    for (size_t c = 0; c < static_cast<size_t>(planes.channels); ++c) {
      const size_t plane = c * planes.plane_size(),
                   row = static_cast<size_t>(y) * static_cast<size_t>(planes.width);
      places.look_up_all(planes.values.data() + plane, planes, border[c], out.values.data() + plane + row);
    }
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

}  // namespace lodestone::sampler
