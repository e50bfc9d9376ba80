#include "trainer/data_view/look_alikes.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include <ATen/ops/from_blob.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max.h>

#include "common/error.h"
#include "common/parallel.h"
#include "sampler/augment/planes.h"
#include "trainer/data/near_texts.h"

namespace lodestone::data_view {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kGreySide = 16, kColourSide = 12;
constexpr double kAlike = 0.985, kFewestLevels = 2.0 / 255;
constexpr double kNearTexts = 0.8;
constexpr size_t kTextBytes = 400, kExamples = 12;
constexpr int64_t kChunk = 128, kBlock = 1024;

/// Small copies of images as rows of unit length.
struct Prints {
  std::vector<int64_t> samples;
  std::vector<float> values;
  int64_t width = 0;

  int64_t count() const { return static_cast<int64_t>(samples.size()); }
};

// Empty for an image without contrast.
std::vector<float> print_of(const sampler::Image& image) {
  const int side = image.channels == 1 ? kGreySide : kColourSide;
  std::vector<float> values = sampler::resized(image, side, side).values;
  const auto count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const float v : values) sum += v;
  for (float& v : values) {
    v -= static_cast<float>(sum / count);
    squares += static_cast<double>(v) * v;
  }
  if (std::sqrt(squares / count) < kFewestLevels) return {};
  for (float& v : values) v = static_cast<float>(v / std::sqrt(squares));
  return values;
}

Prints prints_of(const sampler::ImageDataset& images, const LookLimits& limits) {
  const auto end = Clock::now() + std::chrono::duration<double>(limits.seconds);
  const std::vector<int64_t> order = survey::spread_samples(images.size(), limits.images);
  const auto all = static_cast<int64_t>(order.size());
  Prints prints;
  for (int64_t begin = 0; begin < all && (begin == 0 || Clock::now() < end); begin += kChunk) {
    const int64_t count = std::min(kChunk, all - begin);
    std::vector<std::vector<float>> made(static_cast<size_t>(count));
    parallel_ranges(count, 1, [&](int64_t first, int64_t last) {
      for (int64_t k = first; k < last; ++k) try {
          made[static_cast<size_t>(k)] = print_of(images.get(order[static_cast<size_t>(begin + k)]));
        } catch (const DataError&) {  // counted by the survey
        }
    });
    for (int64_t k = 0; k < count; ++k) {
      const std::vector<float>& print = made[static_cast<size_t>(k)];
      if (print.empty()) continue;
      prints.width = static_cast<int64_t>(print.size());
      prints.samples.push_back(order[static_cast<size_t>(begin + k)]);
      prints.values.insert(prints.values.end(), print.begin(), print.end());
    }
  }
  return prints;
}

at::Tensor rows_of(Prints& prints) {
  return at::from_blob(prints.values.data(), {prints.count(), prints.width}, at::kFloat);
}

void finish(LookAlikes& found) {
  std::ranges::stable_sort(found.examples, std::greater(), &SamplePair::similarity);
  found.examples.resize(std::min(found.examples.size(), kExamples));
}

LookAlikes alike_images(const Side& training, const Side& evaluation, const Duplicates& copies,
                        const LookLimits& limits) {
  Prints trained = prints_of(*training.images, limits);
  Prints evaluated = prints_of(*evaluation.images, limits);
  LookAlikes found{trained.count(), evaluated.count(), 0, {}};
  if (trained.count() == 0 || evaluated.count() == 0 || trained.width != evaluated.width) return found;
  const at::Tensor trained_nD = rows_of(trained), evaluated_mD = rows_of(evaluated);
  for (int64_t begin = 0; begin < evaluated.count(); begin += kBlock) {
    const int64_t rows = std::min(kBlock, evaluated.count() - begin);
    const auto [score_r, nearest_r] =
        at::max(at::matmul(evaluated_mD.narrow(0, begin, rows), trained_nD.t()), 1);
    for (int64_t r = 0; r < rows; ++r) {
      const double score = score_r.data_ptr<float>()[r];
      const int64_t sample = evaluated.samples[static_cast<size_t>(begin + r)];
      if (score < kAlike || copies.evaluated.contains(sample)) continue;
      ++found.alike;
      found.examples.push_back(
          {trained.samples[static_cast<size_t>(nearest_r.data_ptr<int64_t>()[r])], sample, score});
    }
  }
  return found;
}

/// Texts that were read, with their indices.
struct Read {
  std::vector<int64_t> samples;
  std::vector<std::string> texts;
};

void read_texts(const sampler::TextDataset& texts, const LookLimits& limits, Read& read) {
  survey::visit_spread(texts.size(), {.samples = limits.texts, .seconds = limits.seconds}, [&](int64_t i) {
    read.texts.push_back(texts.get(i).substr(0, kTextBytes));
    read.samples.push_back(i);
    return true;
  });
}

LookAlikes alike_texts(const Side& training, const Side& evaluation, const LookLimits& limits) {
  Read read;
  read_texts(*training.texts, limits, read);
  const size_t trained = read.samples.size();
  read_texts(*evaluation.texts, limits, read);
  LookAlikes found{static_cast<int64_t>(trained), static_cast<int64_t>(read.samples.size() - trained), 0, {}};
  const data::NearTexts near(read.texts, kNearTexts);
  for (size_t i = trained; i < read.samples.size(); ++i) {
    const std::vector<size_t> others = near.near(i);
    const auto other =
        std::ranges::find_if(others, [&](size_t o) { return o < trained && read.texts[o] != read.texts[i]; });
    if (other == others.end()) continue;
    ++found.alike;
    found.examples.push_back({read.samples[*other], read.samples[i], kNearTexts});
  }
  return found;
}

}  // namespace

LookAlikes find_look_alikes(const Side& training, const Side& evaluation, const Duplicates& copies,
                            const LookLimits& limits) {
  LookAlikes found = training.images ? alike_images(training, evaluation, copies, limits)
                                     : alike_texts(training, evaluation, limits);
  finish(found);
  return found;
}

}  // namespace lodestone::data_view
