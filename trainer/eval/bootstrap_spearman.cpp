#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "common/error.h"
#include "trainer/eval/bootstrap.h"

namespace lodestone::eval {

namespace {

constexpr size_t kLanes = Bootstrap::kLanes;
using Lanes = std::array<double, kLanes>;

/// The values of one side in ascending order.
class Ordered {
 public:
  explicit Ordered(std::span<const double> values) : order_(values.size()), last_of_ties_(values.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::sort(order_.begin(), order_.end(), [&](size_t i, size_t j) { return values[i] < values[j]; });
    for (size_t k = 0; k < order_.size(); ++k)
      last_of_ties_[k] = k + 1 == order_.size() || values[order_[k + 1]] != values[order_[k]];
  }

  /// The rank of each value minus the mean rank, by lane, if value p occurs counts[p] times: [P, kLanes].
  std::vector<double> centred_ranks(const Bootstrap::Counts& counts, const Lanes& total) const {
    std::vector<double> ranks(order_.size() * kLanes);
    Lanes below{}, ties{};
    for (size_t k = 0, first = 0; k < order_.size(); ++k) {
      for (size_t lane = 0; lane < kLanes; ++lane) ties[lane] += counts[order_[k] * kLanes + lane];
      if (!last_of_ties_[k]) continue;
      for (; first <= k; ++first)
        for (size_t lane = 0; lane < kLanes; ++lane)
          ranks[order_[first] * kLanes + lane] = below[lane] + (ties[lane] - total[lane]) / 2;
      for (size_t lane = 0; lane < kLanes; ++lane) below[lane] += ties[lane];
      ties.fill(0);
    }
    return ranks;
  }

 private:
  std::vector<size_t> order_;
  std::vector<bool> last_of_ties_;
};

}  // namespace

Interval bootstrap_spearman(std::span<const double> a_P, std::span<const double> b_P,
                            const BootstrapOptions& options, const distributed::Group& group) {
  if (a_P.size() != b_P.size())
    throw Error("bootstrap: expected two lists of one length, got " + std::to_string(a_P.size()) + " and " +
                std::to_string(b_P.size()));
  const Ordered a(a_P), b(b_P);
  const size_t pairs = a_P.size();
  const auto statistic = [&](const Bootstrap::Counts& counts, std::span<double> values) {
    Lanes total{}, xx{}, yy{}, xy{};
    for (size_t p = 0; p < pairs; ++p)
      for (size_t lane = 0; lane < kLanes; ++lane) total[lane] += counts[p * kLanes + lane];
    const std::vector<double> x = a.centred_ranks(counts, total), y = b.centred_ranks(counts, total);
    for (size_t at = 0; at < pairs * kLanes; ++at) {
      const size_t lane = at % kLanes;
      xx[lane] += counts[at] * x[at] * x[at];
      yy[lane] += counts[at] * y[at] * y[at];
      xy[lane] += counts[at] * x[at] * y[at];
    }
    for (size_t lane = 0; lane < kLanes; ++lane)
      values[lane] = xx[lane] > 0 && yy[lane] > 0 ? xy[lane] / std::sqrt(xx[lane] * yy[lane])
                                                  : std::numeric_limits<double>::quiet_NaN();
  };
  constexpr std::array<const char*, 1> kNames = {"spearman"};
  return Bootstrap(static_cast<int64_t>(pairs), options).intervals(kNames, statistic, group).front();
}

}  // namespace lodestone::eval
