#include "trainer/survey/image_survey.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/error.h"
#include "common/median.h"

namespace lodestone::survey {

namespace {

constexpr int kGrid = 64;              // points looked at along each side of an image
constexpr int kColourDifference = 16;  // levels; JPEG's rounding makes grey images differ by a few
constexpr double kColourShare = 0.01;
constexpr int kPlainDifference = 12;  // levels around the border's median that count as the same
constexpr double kPlainBorder = 0.9;  // of a border's pixels
constexpr double kSamePaper = 0.8;    // of the images
constexpr double kToneShare = 0.2;    // of the range between the darkest and the brightest pixel

int brightness(const uint8_t* pixel) {
  return (77 * pixel[0] + 150 * pixel[1] + 29 * pixel[2] + 128) >> 8;
}

/// One image, at the points of a grid.
class Look {
 public:
  explicit Look(const sampler::Image& image) : image_(image) {
    const int columns = std::min(kGrid, image.width), rows = std::min(kGrid, image.height);
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < columns; ++c) {
        const uint8_t* pixel =
            at((2 * c + 1) * image.width / (2 * columns), (2 * r + 1) * image.height / (2 * rows));
        pixels_.push_back(pixel);
        grey_.push_back(brightness(pixel));
      }
    look_at_border(columns, rows);
  }

  const std::vector<const uint8_t*>& pixels() const { return pixels_; }
  const std::vector<int>& grey() const { return grey_; }
  double border() const { return border_ / 255.0; }
  bool has_plain_border() const { return share_of(border_pixels_, border_) >= kPlainBorder; }
  double plain() const { return share_of(grey_, border_); }

  bool coloured() const {
    const auto count = std::ranges::count_if(pixels_, [](const uint8_t* p) {
      return std::max({p[0], p[1], p[2]}) - std::min({p[0], p[1], p[2]}) > kColourDifference;
    });
    return static_cast<double>(count) > kColourShare * static_cast<double>(pixels_.size());
  }

  double two_toned() const {
    const auto [low, high] = std::ranges::minmax(grey_);
    const double reach = kToneShare * (high - low);
    const auto count =
        std::ranges::count_if(grey_, [=](int v) { return v <= low + reach || v >= high - reach; });
    return static_cast<double>(count) / static_cast<double>(grey_.size());
  }

 private:
  const uint8_t* at(int x, int y) const {
    return &image_.pixels[3 * (static_cast<size_t>(y) * static_cast<size_t>(image_.width) +
                               static_cast<size_t>(x))];
  }

  void look_at_border(int columns, int rows) {
    const int right = image_.width - 1, bottom = image_.height - 1;
    for (int c = 0; c < columns; ++c)
      for (const int y : {0, bottom}) border_pixels_.push_back(brightness(at(c * image_.width / columns, y)));
    for (int r = 0; r < rows; ++r)
      for (const int x : {0, right}) border_pixels_.push_back(brightness(at(x, r * image_.height / rows)));
    std::vector<int> sorted = border_pixels_;
    std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2));
    border_ = sorted[sorted.size() / 2];
  }

  static double share_of(const std::vector<int>& levels, int level) {
    const auto count =
        std::ranges::count_if(levels, [level](int v) { return std::abs(v - level) <= kPlainDifference; });
    return static_cast<double>(count) / static_cast<double>(levels.size());
  }

  const sampler::Image& image_;
  std::vector<const uint8_t*> pixels_;
  std::vector<int> grey_, border_pixels_;
  int border_ = 0;
};

/// Mean and standard deviation of images that count the same, whatever their size.
class Moments {
 public:
  template <typename Value>
  void add(size_t count, const Value& value) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; ++i) {
      const double v = value(i) / 255.0;
      sum += v;
      squares += v * v;
    }
    sum_ += sum / static_cast<double>(count);
    squares_ += squares / static_cast<double>(count);
    ++images_;
  }
  double mean() const { return images_ == 0 ? 0 : sum_ / images_; }
  double deviation() const {
    return images_ == 0 ? 0 : std::sqrt(std::max(0.0, squares_ / images_ - mean() * mean()));
  }

 private:
  double sum_ = 0, squares_ = 0;
  int images_ = 0;
};

/// Sums over the images of a survey.
class Sums {
 public:
  void add(const sampler::Image& image) {
    const Look look(image);
    widths_.push_back(image.width);
    heights_.push_back(image.height);
    aspects_.push_back(static_cast<double>(image.width) / image.height);
    for (size_t c = 0; c < 3; ++c)
      colours_[c].add(look.pixels().size(), [&](size_t i) { return look.pixels()[i][c]; });
    grey_.add(look.grey().size(), [&](size_t i) { return look.grey()[i]; });
    coloured_ += look.coloured() ? 1 : 0;
    plain_.push_back(look.plain());
    tones_.push_back(look.two_toned());
    if (look.has_plain_border()) papers_.push_back(look.border());
  }

  void fill(ImageSurvey& found) const {
    if (widths_.empty()) return;
    found.read = static_cast<int64_t>(widths_.size());
    found.width = spread_of(widths_);
    found.height = spread_of(heights_);
    found.aspect = spread_of(aspects_);
    found.coloured = coloured_ / static_cast<double>(found.read);
    for (size_t c = 0; c < 3; ++c) {
      found.mean[c] = colours_[c].mean();
      found.deviation[c] = colours_[c].deviation();
    }
    found.grey_mean = grey_.mean();
    found.grey_deviation = grey_.deviation();
    found.plain = median(plain_);
    found.two_toned = median(tones_);
    found.background = paper();
  }

 private:
  std::optional<double> paper() const {
    if (papers_.empty()) return {};
    const double level = median(papers_);
    const auto same = std::ranges::count_if(
        papers_, [level](double p) { return std::abs(p - level) <= kPlainDifference / 255.0; });
    if (static_cast<double>(same) < kSamePaper * static_cast<double>(widths_.size())) return {};
    return level;
  }

  std::vector<double> widths_, heights_, aspects_, plain_, tones_, papers_;
  std::array<Moments, 3> colours_;
  Moments grey_;
  double coloured_ = 0;
};

}  // namespace

ImageSurvey survey_images(const sampler::ImageDataset& images, const SurveyLimits& limits) {
  Sums sums;
  const Unread unread = visit_spread(images.size(), limits, [&](int64_t i) {
    const sampler::Image image = images.get(i);
    if (image.channels != 3) throw ConfigError("survey: expected images of three channels, got one");
    sums.add(image);
    return true;
  });
  ImageSurvey found;
  found.damaged = unread.count;
  found.first_damaged = unread.first;
  sums.fill(found);
  return found;
}

}  // namespace lodestone::survey
