#include "trainer/data_view/draw_tuples.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "common/counted.h"
#include "common/error.h"
#include "common/rng.h"
#include "sampler/class_members.h"

namespace lodestone::data_view {

namespace {

// Draws of a class, then steps over all samples, after which a positive pair without a negative is given up.
constexpr int kClassDraws = 32;
constexpr int64_t kSteps = 4096;

/// A class with its usable samples, sorted by id.
struct Class {
  std::vector<int64_t> members;
  int64_t group = 0;
  uint64_t key = 0;  // a hash of the name
  int64_t pairs = 0;

  int64_t possible() const {
    const auto n = static_cast<int64_t>(members.size());
    return n * (n - 1) / 2;
  }
};

// `take` distinct numbers of [0, count), by Floyd's algorithm.
std::vector<int64_t> distinct(int64_t count, int64_t take, Random random) {
  std::unordered_set<int64_t> seen;
  std::vector<int64_t> drawn;
  for (int64_t last = count - take; last < count; ++last) {
    const auto one = static_cast<int64_t>(random.below(static_cast<uint64_t>(last) + 1));
    drawn.push_back(seen.insert(one).second ? one : last);
    seen.insert(drawn.back());
  }
  return drawn;
}

// Pair number n of the pairs (i, j), i > j, in the order (1,0), (2,0), (2,1), (3,0) …
std::pair<int64_t, int64_t> pair_of(int64_t n) {
  auto i = static_cast<int64_t>((1 + std::sqrt(1 + 8 * static_cast<double>(n))) / 2);
  while (i * (i - 1) / 2 > n) --i;
  while ((i + 1) * i / 2 <= n) ++i;
  return {i, n - i * (i - 1) / 2};
}

class Drawer {
 public:
  Drawer(const sampler::Dataset& dataset, const TupleOptions& options)
      : dataset_(dataset), options_(options) {
    collect();
    check();
  }

  DrawnTuples run() && {
    const int64_t wanted = options_.triplets ? options_.count : options_.count - options_.count / 2;
    share_out(wanted);
    std::vector<std::pair<int64_t, int64_t>> positives = draw_positives();
    Random(options_.seed, Purpose::kShuffle).shuffle(positives);
    for (const auto& [anchor, other] : positives) used_.insert(key(anchor, other));
    for (const auto& [anchor, other] : positives) {
      const bool last =
          !options_.triplets && static_cast<int64_t>(result_.tuples.size()) + 1 == options_.count;
      const auto negative = last ? std::nullopt : negative_of(anchor, other);
      if (!negative && !last) continue;
      if (options_.triplets) {
        result_.tuples.push_back({anchor, other, *negative});
      } else {
        result_.tuples.push_back({anchor, other, -1, true});
        if (negative) result_.tuples.push_back({anchor, *negative, -1, false});
      }
    }
    return std::move(result_);
  }

 private:
  uint64_t id(int64_t i) const { return dataset_.id(i); }
  int64_t group(int64_t i) const { return dataset_.group(dataset_.label(i)); }
  // Of a pair in any order. A collision costs a pair of the many.
  uint64_t key(int64_t a, int64_t b) const {
    const auto [low, high] = std::minmax({id(a), id(b)});
    return Random(low, Purpose::kTrials, high).below(UINT64_MAX);
  }

  void collect() {
    std::unordered_map<uint64_t, int64_t> group_of;
    std::unordered_set<uint64_t> ambiguous;
    for (int64_t i = 0; i < dataset_.size(); ++i)
      if (group_of.try_emplace(id(i), group(i)).first->second != group(i)) ambiguous.insert(id(i));
    const sampler::ClassMembers members(dataset_);
    for (int64_t c = 0; c < members.classes(); ++c) {
      Class one{{}, dataset_.group(c), sampler::sample_id(dataset_.class_name(c)), 0};
      for (const int64_t i : members.of(c))
        if (ambiguous.contains(id(i)))
          ++result_.ambiguous;
        else
          one.members.push_back(i);
      const auto by_id = [this](int64_t i) { return id(i); };
      std::ranges::stable_sort(one.members, {}, by_id);
      const auto repeated = std::ranges::unique(one.members, {}, by_id);
      result_.repeated += static_cast<int64_t>(repeated.size());
      one.members.erase(repeated.begin(), repeated.end());
      if (one.members.size() == 1) ++result_.lone;
      all_.insert(all_.end(), one.members.begin(), one.members.end());
      if (!one.members.empty()) classes_.push_back(std::move(one));
    }
  }

  void check() const {
    const bool any = std::ranges::any_of(classes_, [](const Class& one) { return one.members.size() > 1; });
    if (!any)
      throw DataError("data pairs: expected a class with at least two samples, got " +
                      counted(static_cast<int64_t>(classes_.size()), "class", "classes") +
                      " of one sample each; put samples of one thing into one class");
    const bool several = std::ranges::any_of(
        classes_, [this](const Class& one) { return one.group != classes_.front().group; });
    if (!several)
      throw DataError("data pairs: expected at least two classes that do not look alike, got " +
                      counted(static_cast<int64_t>(classes_.size()), "class", "classes") +
                      (classes_.size() > 1 ? " of one group" : "") +
                      "; a negative needs a sample of another class");
  }

  // Gives each class its number of positive pairs: the same for all, except for those that have fewer.
  void share_out(int64_t wanted) {
    std::vector<Class*> order;
    for (Class& one : classes_) order.push_back(&one);
    std::ranges::sort(order, {}, [this](const Class* one) {
      return std::pair(one->possible(), Random(options_.seed, Purpose::kSampler, one->key).below(UINT64_MAX));
    });
    for (size_t c = 0; c < order.size(); ++c) {
      order[c]->pairs = std::min(order[c]->possible(), wanted / static_cast<int64_t>(order.size() - c));
      wanted -= order[c]->pairs;
    }
  }

  std::vector<std::pair<int64_t, int64_t>> draw_positives() const {
    std::vector<std::pair<int64_t, int64_t>> positives;
    for (const Class& one : classes_) {
      Random sides(options_.seed, Purpose::kTrials, one.key);
      for (const int64_t n :
           distinct(one.possible(), one.pairs, Random(options_.seed, Purpose::kShuffle, one.key, 1))) {
        const auto [i, j] = pair_of(n);
        int64_t anchor = one.members[static_cast<size_t>(i)], other = one.members[static_cast<size_t>(j)];
        if (sides.below(2) == 1) std::swap(anchor, other);
        positives.emplace_back(anchor, other);
      }
    }
    return positives;
  }

  bool is_free(int64_t anchor, int64_t other) const {
    return group(other) != group(anchor) && id(other) != id(anchor) && !used_.contains(key(anchor, other));
  }

  // A negative of the anchor that it was not paired with; empty if none was found.
  std::optional<int64_t> negative_of(int64_t anchor, int64_t positive) {
    Random random(options_.seed, Purpose::kSampler, id(anchor), id(positive));
    std::optional<int64_t> found;
    for (int draw = 0; draw < kClassDraws && !found; ++draw) {
      const Class& one = classes_[random.below(classes_.size())];
      const int64_t other = one.members[random.below(one.members.size())];
      if (is_free(anchor, other)) found = other;
    }
    const auto begin = random.below(all_.size());
    const auto steps = std::min<size_t>(all_.size(), kSteps);
    for (size_t step = 0; step < steps && !found; ++step) {
      const int64_t other = all_[(begin + step) % all_.size()];
      if (is_free(anchor, other)) found = other;
    }
    if (found) used_.insert(key(anchor, *found));
    return found;
  }

  const sampler::Dataset& dataset_;
  const TupleOptions& options_;
  DrawnTuples result_;
  std::vector<Class> classes_;  // with at least one usable sample, in order of their names
  std::vector<int64_t> all_;    // their samples
  std::unordered_set<uint64_t> used_;
};

}  // namespace

DrawnTuples draw_tuples(const sampler::Dataset& dataset, const TupleOptions& options) {
  return Drawer(dataset, options).run();
}

}  // namespace lodestone::data_view
