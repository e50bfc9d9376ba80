#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "common/error.h"
#include "trainer/eval/bootstrap.h"

namespace lodestone::eval {

namespace {

constexpr size_t kLanes = Bootstrap::kLanes;
using Lanes = std::array<double, kLanes>;

// The classes of a pair; if both rows are of one class, the second is the class that is always drawn once.
struct ClassPair {
  uint32_t a;
  uint32_t b;
};

// One kind of pair, best score first.
struct Side {
  std::vector<double> scores;
  std::vector<ClassPair> classes;

  Side(const std::vector<RowPair>& pairs, const std::vector<double>& unsorted, const Bootstrap& bootstrap) {
    std::vector<uint32_t> order(pairs.size());
    std::iota(order.begin(), order.end(), uint32_t{0});
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return unsorted[a] > unsorted[b]; });
    for (const uint32_t k : order) {
      const auto a = static_cast<uint32_t>(bootstrap.class_of(pairs[k].i));
      const auto b = static_cast<uint32_t>(bootstrap.class_of(pairs[k].j));
      scores.push_back(unsorted[k]);
      classes.push_back({a, a == b ? static_cast<uint32_t>(bootstrap.classes()) : b});
    }
  }

  size_t end_of_ties(size_t at) const {
    size_t end = at;
    while (end < scores.size() && scores[end] == scores[at]) ++end;
    return end;
  }
};

// The numbers of positives and negatives before a point of the ROC curve; points inside a horizontal or
// vertical run are left out.
struct Step {
  size_t positives;
  size_t negatives;
};

std::vector<Step> steps_of(const Side& same, const Side& other) {
  std::vector<Step> steps = {{0, 0}};
  size_t p = 0;
  size_t n = 0;
  const auto ahead = [](const Side& side, size_t at, const Side& rival, size_t rival_at) {
    return at < side.scores.size() &&
           (rival_at == rival.scores.size() || side.scores[at] > rival.scores[rival_at]);
  };
  while (p < same.scores.size() || n < other.scores.size()) {
    if (ahead(same, p, other, n)) {
      while (ahead(same, p, other, n)) ++p;
    } else if (ahead(other, n, same, p)) {
      while (ahead(other, n, same, p)) ++n;
    } else {
      p = same.end_of_ties(p);
      n = other.end_of_ties(n);
    }
    steps.push_back({p, n});
  }
  return steps;
}

void add_weights(const Side& side, size_t begin, size_t end, const Bootstrap::Counts& counts, Lanes& sums) {
  for (size_t k = begin; k < end; ++k) {
    const double* a = counts.data() + side.classes[k].a * kLanes;
    const double* b = counts.data() + side.classes[k].b * kLanes;
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[lane] * b[lane];
  }
}

// Walks the curve of kLanes resamples at once.
class Walk {
 public:
  Walk(const Lanes& positives, const Lanes& negatives) : positives_(positives), negatives_(negatives) {
    eer_.fill(std::numeric_limits<double>::quiet_NaN());
  }

  void to(const Lanes& accepted, const Lanes& falsely) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      area_[lane] += (falsely[lane] - falsely_[lane]) * (accepted[lane] + accepted_[lane]) / 2;
      if (crossed_[lane]) continue;
      // The same rule as equal_error_rate.
      const double far = falsely_[lane] / negatives_[lane];
      const double before = far - (1 - accepted_[lane] / positives_[lane]);
      const double far_after = falsely[lane] / negatives_[lane];
      const double after = far_after - (1 - accepted[lane] / positives_[lane]);
      if (!(after >= 0)) continue;
      eer_[lane] = far + before / (before - after) * (far_after - far);
      crossed_[lane] = true;
    }
    accepted_ = accepted;
    falsely_ = falsely;
  }

  // Undefined without a positive or a negative: then 0 / 0.
  double roc_auc(size_t lane) const { return area_[lane] / (positives_[lane] * negatives_[lane]); }
  double eer(size_t lane) const { return eer_[lane]; }

 private:
  Lanes positives_, negatives_;
  Lanes area_{}, eer_{}, accepted_{}, falsely_{};
  std::array<bool, kLanes> crossed_{};
};

}  // namespace

std::vector<Interval> bootstrap_pairs(const ScoredPairs& scored, const Bootstrap& bootstrap,
                                      const distributed::Group& group) {
  constexpr size_t kLimit = std::numeric_limits<uint32_t>::max();
  if (scored.positive_scores.size() >= kLimit || scored.negative_scores.size() >= kLimit)
    throw Error("bootstrap: expected fewer than 2^32 pairs of a kind; lower max_positives and max_negatives");
  const Side same(scored.pairs.positives, scored.positive_scores, bootstrap);
  const Side other(scored.pairs.negatives, scored.negative_scores, bootstrap);
  const std::vector<Step> steps = steps_of(same, other);
  const auto statistic = [&](const Bootstrap::Counts& counts, std::span<double> values) {
    Lanes positives{}, negatives{}, accepted{}, falsely{};
    add_weights(same, 0, same.classes.size(), counts, positives);
    add_weights(other, 0, other.classes.size(), counts, negatives);
    Walk walk(positives, negatives);
    for (size_t s = 1; s < steps.size(); ++s) {
      add_weights(same, steps[s - 1].positives, steps[s].positives, counts, accepted);
      add_weights(other, steps[s - 1].negatives, steps[s].negatives, counts, falsely);
      walk.to(accepted, falsely);
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      values[lane] = walk.roc_auc(lane);
      values[kLanes + lane] = walk.eer(lane);
    }
  };
  constexpr std::array<const char*, 2> kNames = {"roc_auc", "eer"};
  return bootstrap.intervals(kNames, statistic, group);
}

}  // namespace lodestone::eval
