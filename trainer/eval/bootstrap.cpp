#include "trainer/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/error.h"
#include "common/parallel.h"
#include "common/rng.h"
#include "trainer/eval/sharing.h"

namespace lodestone::eval {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// A quantile of at least one value in ascending order, interpolated linearly.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::vector<int64_t> each_its_own(int64_t items) {
  std::vector<int64_t> groups(static_cast<size_t>(items));
  std::iota(groups.begin(), groups.end(), int64_t{0});
  return groups;
}

}  // namespace

Bootstrap::Bootstrap(int64_t items, const BootstrapOptions& options)
    : Bootstrap(each_its_own(items), options) {}

Bootstrap::Bootstrap(std::span<const int64_t> groups_N, const BootstrapOptions& options) : options_(options) {
  if (options.resamples < 0 || !(options.level > 0 && options.level < 1))
    throw Error("bootstrap: expected at least 0 resamples and a level between 0 and 1, got " +
                std::to_string(options.resamples) + " and " + std::to_string(options.level));
  std::vector<int64_t> distinct(groups_N.begin(), groups_N.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  classes_ = static_cast<int64_t>(distinct.size());
  for (const int64_t group : groups_N)
    class_of_N_.push_back(std::lower_bound(distinct.begin(), distinct.end(), group) - distinct.begin());
}

Bootstrap::Counts Bootstrap::draw(int64_t first) const {
  Counts counts(static_cast<size_t>((classes_ + 1) * kLanes));
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    Random random(options_.seed, Purpose::kTrials, 7, static_cast<uint64_t>(first + lane));
    for (int64_t d = 0; d < classes_; ++d)
      counts[random.below(static_cast<uint64_t>(classes_)) * kLanes + static_cast<size_t>(lane)] += 1;
    counts[static_cast<size_t>(classes_ * kLanes + lane)] = 1;
  }
  return counts;
}

std::vector<Interval> Bootstrap::intervals(std::span<const char* const> names, const Statistic& statistic,
                                           const distributed::Group& group) const {
  const ItemRange own = range_of_rank(options_.resamples, group);
  const int64_t count = own.end - own.begin;
  const size_t width = names.size();
  std::vector<double> values(static_cast<size_t>(count) * width);
  if (classes_ >= 2) {
    parallel_ranges((count + kLanes - 1) / kLanes, 1, [&](int64_t begin, int64_t end) {
      std::vector<double> block(width * kLanes);
      for (int64_t b = begin; b < end; ++b) {
        statistic(draw(own.begin + b * kLanes), block);
        for (int64_t r = b * kLanes; r < std::min(count, (b + 1) * kLanes); ++r)
          for (size_t m = 0; m < width; ++m)
            values[static_cast<size_t>(r) * width + m] = block[m * kLanes + static_cast<size_t>(r % kLanes)];
      }
    });
  }
  const std::vector<double> all = gather_items(group, std::move(values));
  std::vector<Interval> found;
  for (size_t m = 0; m < width; ++m) {
    std::vector<double> defined;
    for (size_t at = m; classes_ >= 2 && at < all.size(); at += width)
      if (!std::isnan(all[at])) defined.push_back(all[at]);
    std::sort(defined.begin(), defined.end());
    found.push_back({names[m], kUndefined, kUndefined});
    if (defined.empty()) continue;
    found.back().low = quantile(defined, (1 - options_.level) / 2);
    found.back().high = quantile(defined, (1 + options_.level) / 2);
  }
  return found;
}

}  // namespace lodestone::eval
