#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/fields.h"
#include "common/rng.h"
#include "sampler/dataset.h"

namespace lodestone::sampler {

/// Settings shared by the samplers that draw P classes × K samples; visit() describes the keys.
struct PkConfig {
  int64_t samples_per_class = 4;
  bool allow_small_classes = false;

  void visit(Fields& f);
};

/// Lists the samples of each class, in the order of the data set.
/// Memory    8 bytes per sample.
class ClassMembers {
 public:
  explicit ClassMembers(const Dataset& dataset);

  int64_t classes() const { return static_cast<int64_t>(begins_.size()) - 1; }
  std::span<const int64_t> of(int64_t c) const {
    const auto at = static_cast<size_t>(c);
    return std::span(samples_).subspan(begins_[at], begins_[at + 1] - begins_[at]);
  }

 private:
  std::vector<size_t> begins_;
  std::vector<int64_t> samples_;
};

/// Throws    ConfigError if global_batch is not a positive multiple of samples_per_class; DataError if there
///           are fewer classes than a batch needs, or a class has fewer samples than samples_per_class (with
///           allow_small_classes: is empty). The message names the class, the remedy and `sampler`.
void check_classes(const char* sampler, const Dataset& dataset, const ClassMembers& members,
                   const PkConfig& config, int64_t global_batch);

/// Draws `wanted` of `members` without replacement and calls emit(sample, view) for each. A class with fewer
/// members repeats them, each repetition with the next view.
template <typename Emit>
void draw_samples(std::span<const int64_t> members, int64_t wanted, Random random, const Emit& emit) {
  std::vector<int64_t> line(members.begin(), members.end());
  for (int32_t view = 0; wanted > 0; ++view)
    for (size_t i = 0; i < line.size() && wanted > 0; ++i, --wanted) {
      std::swap(line[i], line[i + random.below(line.size() - i)]);
      emit(line[i], view);
    }
}

}  // namespace lodestone::sampler
