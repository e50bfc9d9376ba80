#include "trainer/data_view/contents.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "common/rng.h"
#include "sampler/sources/encoded_images.h"

namespace lodestone::data_view {

namespace {

constexpr size_t kExamples = 12;

// The image's file, or its pixels where it has no file of its own.
uint64_t hash_of_image(const sampler::ImageDataset& images, int64_t i, int64_t& bytes) {
  const auto hash = [&](const auto& content) {
    bytes += static_cast<int64_t>(content.size());
    return sampler::sample_id({reinterpret_cast<const char*>(content.data()), content.size()});
  };
  const std::vector<std::byte> encoded = sampler::encoded_image(images, i);
  return encoded.empty() ? hash(images.get(i).pixels) : hash(encoded);
}

void keep_smallest(std::vector<SamplePair>& pairs) {
  std::ranges::sort(pairs, {}, [](const SamplePair& pair) { return std::pair(pair.first, pair.second); });
  pairs.resize(std::min(pairs.size(), kExamples));
}

}  // namespace

Contents read_contents(const Side& side, const ReadLimits& limits) {
  Contents contents;
  const sampler::Dataset& data = side.samples();
  survey::SurveyLimits walk{.samples = limits.samples, .seconds = limits.seconds};
  if (!side.images) walk.seconds = std::numeric_limits<double>::infinity();  // nothing is read
  const survey::Unread unread = survey::visit_spread(data.size(), walk, [&](int64_t i) {
    contents.samples[side.images ? hash_of_image(*side.images, i, contents.bytes) : data.id(i)].push_back(i);
    ++contents.count;
    return contents.bytes < limits.bytes;
  });
  contents.unreadable = unread.count;
  for (auto& [hash, samples] : contents.samples) std::ranges::sort(samples);
  return contents;
}

Contents read_rows(const Side& side) {
  Contents contents;
  for (int64_t first = 0; first < side.texts->size(); first += side.texts_per_row) {
    uint64_t hash = 0;
    for (int64_t k = 0; k < side.texts_per_row; ++k)
      hash = Random(hash, Purpose::kTrials, side.texts->id(first + k)).below(UINT64_MAX);
    contents.samples[hash].push_back(first);
    ++contents.count;
  }
  return contents;
}

Duplicates duplicates_within(const Side& side, const Contents& contents) {
  Duplicates found;
  std::vector<SamplePair> same, contradicting;
  for (const auto& [hash, samples] : contents.samples) {
    found.copies += static_cast<int64_t>(samples.size()) - 1;
    if (samples.size() < 2) continue;
    const auto group = [&](int64_t i) { return side.samples().group(side.samples().label(i)); };
    const auto other =
        side.has_classes
            ? std::ranges::find_if(samples, [&](int64_t i) { return group(i) != group(samples.front()); })
            : samples.end();
    if (other == samples.end()) {
      same.push_back({samples[0], samples[1]});
      continue;
    }
    ++found.contradictions;
    contradicting.push_back({samples[0], *other});
  }
  keep_smallest(same);
  keep_smallest(contradicting);
  found.examples = std::move(contradicting);
  found.examples.insert(found.examples.end(), same.begin(), same.end());
  found.examples.resize(std::min(found.examples.size(), kExamples));
  return found;
}

Duplicates duplicates_between(const Side& side, const Contents& first, const Contents& second) {
  Duplicates found;
  for (const auto& [hash, samples] : second.samples) {
    const auto other = first.samples.find(hash);
    if (other == first.samples.end()) continue;
    found.copies += side.images ? static_cast<int64_t>(samples.size()) : 1;
    found.examples.push_back({other->second.front(), samples.front()});
    found.evaluated.insert(samples.begin(), samples.end());
  }
  keep_smallest(found.examples);
  return found;
}

}  // namespace lodestone::data_view
