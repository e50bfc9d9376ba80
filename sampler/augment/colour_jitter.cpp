#include "sampler/augment/colour_jitter.h"

#include <algorithm>
#include <cmath>

#include "common/keys_without_effect.h"

namespace lodestone::sampler {

namespace {

float clamped(float value) {
  return std::clamp(value, 0.0f, 1.0f);
}

/// The three channels of an image.
struct Channels {
  explicit Channels(Planes& planes)
      : size(planes.plane_size()),
        r(planes.values.data()),
        g(planes.channels == 3 ? r + size : r),
        b(planes.channels == 3 ? g + size : r) {}

  float grey(size_t p) const { return 0.2989f * r[p] + 0.587f * g[p] + 0.114f * b[p]; }

  size_t size;
  float *r, *g, *b;
};

void scale_towards(Planes& planes, float factor, float target) {
  const float rest = (1.0f - factor) * target;
  for (float& v : planes.values) v = clamped(factor * v + rest);
}

float mean_of_grey(Planes& planes) {
  double sum = 0.0;
  if (planes.channels == 1) {
    for (const float v : planes.values) sum += v;
  } else {
    const Channels c(planes);
    for (size_t p = 0; p < c.size; ++p) sum += c.grey(p);
  }
  return static_cast<float>(sum / static_cast<double>(planes.plane_size()));
}

void saturate(Planes& planes, float factor) {
  if (planes.channels != 3) return;
  const Channels c(planes);
  for (size_t p = 0; p < c.size; ++p) {
    const float rest = (1.0f - factor) * c.grey(p);
    c.r[p] = clamped(factor * c.r[p] + rest);
    c.g[p] = clamped(factor * c.g[p] + rest);
    c.b[p] = clamped(factor * c.b[p] + rest);
  }
}

// Hue of the hexcone in sixths of a turn, [0, 6).
float hue_of(float r, float g, float b, float most, float range) {
  if (range <= 0.0f) return 0.0f;
  const float h = most == r ? (g - b) / range : most == g ? 2.0f + (b - r) / range : 4.0f + (r - g) / range;
  return h < 0.0f ? h + 6.0f : h;
}

void turn_hue(Planes& planes, float turn) {
  if (planes.channels != 3) return;
  const Channels c(planes);
  for (size_t p = 0; p < c.size; ++p) {
    const float most = std::max({c.r[p], c.g[p], c.b[p]});
    const float range = most - std::min({c.r[p], c.g[p], c.b[p]});
    float h = hue_of(c.r[p], c.g[p], c.b[p], most, range) + 6.0f * turn;
    h -= 6.0f * std::floor(h / 6.0f);
    // A channel is at its maximum within one sixth of its own hue, and falls to its minimum over the next
    // sixth.
    const auto level = [&](float own) {
      float away = std::abs(h - own);
      away = std::min(away, 6.0f - away);
      return most - range * clamped(away - 1.0f);
    };
    c.r[p] = level(0.0f);
    c.g[p] = level(2.0f);
    c.b[p] = level(4.0f);
  }
}

}  // namespace

void ColourJitterConfig::visit(Fields& f) {
  f.field(
      {.name = "probability", .doc = "probability that an image's colours are changed", .min = 0, .max = 1},
      &probability);
  if (probability == 0)
    without_effect(f, {"brightness", "contrast", "saturation", "hue"},
                   "while jitter.probability is 0; set it, or leave this out");
  f.field({.name = "brightness", .doc = "largest change of the brightness factor", .min = 0, .max = 10},
          &brightness);
  f.field({.name = "contrast", .doc = "largest change of the contrast factor", .min = 0, .max = 10},
          &contrast);
  f.field({.name = "saturation", .doc = "largest change of the saturation factor", .min = 0, .max = 10},
          &saturation);
  f.field({.name = "hue",
           .doc = "largest change of the hue, as a fraction of the colour circle",
           .min = 0,
           .max = 0.5},
          &hue);
}

ColourChange draw_colour_change(const ColourJitterConfig& config, Random random) {
  const auto factor = [&random](double value) {
    return random.uniform(std::max(0.0, 1.0 - value), 1.0 + value);
  };
  ColourChange change;
  change.brightness = factor(config.brightness);
  change.contrast = factor(config.contrast);
  change.saturation = factor(config.saturation);
  change.hue = random.uniform(-config.hue, config.hue);
  for (size_t i = change.order.size(); i > 1; --i)
    std::swap(change.order[i - 1], change.order[random.below(i)]);
  return change;
}

void change_colours(Planes& planes, const ColourChange& change) {
  for (const int what : change.order) {
    if (what == 0 && change.brightness != 1.0)
      scale_towards(planes, static_cast<float>(change.brightness), 0.0f);
    if (what == 1 && change.contrast != 1.0)
      scale_towards(planes, static_cast<float>(change.contrast), mean_of_grey(planes));
    if (what == 2 && change.saturation != 1.0) saturate(planes, static_cast<float>(change.saturation));
    if (what == 3 && change.hue != 0.0) turn_hue(planes, static_cast<float>(change.hue));
  }
}

void make_grey(Planes& planes) {
  if (planes.channels != 3) return;
  const Channels c(planes);
  for (size_t p = 0; p < c.size; ++p) c.r[p] = c.g[p] = c.b[p] = c.grey(p);
}

}  // namespace lodestone::sampler
