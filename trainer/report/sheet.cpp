#include "trainer/report/sheet.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "common/rng.h"

namespace lodestone::report {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Planner {
 public:
  Planner(const eval::LabelledRows& rows, const SheetOptions& options)
      : groups_(rows.groups_N), options_(options), ready_(rows.x_ND, options.similarity) {
    for (size_t i = 0; i < groups_.size(); ++i) members_[groups_[i]].push_back(static_cast<int64_t>(i));
  }

  std::vector<int64_t> sample() const {
    std::vector<int64_t> order =
        Random(options_.seed, Purpose::kTrials, 6).permutation(static_cast<int64_t>(groups_.size()));
    std::erase_if(order, [this](int64_t i) { return members_of(i).size() < 2; });
    order.resize(std::min(order.size(), static_cast<size_t>(std::max<int64_t>(options_.sample, 0))));
    return order;
  }

  SheetPlan plan() const {
    SheetPlan plan;
    const std::vector<int64_t> sampled = sample();
    plan.sample.resize(sampled.size());
    std::vector<SheetQuery> hardest;
    eval::for_each_query(
        {ready_, groups_, ready_, groups_, 0}, [this](int64_t query) { return depth(query); },
        [&](int64_t query, std::span<const eval::Neighbour> found) {
          if (depth(query) == 0) return;
          const SheetQuery shown = show(query, found);
          const auto place = std::find(sampled.begin(), sampled.end(), query);
          if (place != sampled.end()) plan.sample[static_cast<size_t>(place - sampled.begin())] = shown;
          hardest.push_back(shown);
        });
    std::stable_sort(hardest.begin(), hardest.end(),
                     [](const auto& a, const auto& b) { return a.margin < b.margin; });
    std::unordered_set<int64_t> shown_groups;
    for (SheetQuery& query : hardest) {
      if (query.margin > 0 || static_cast<int64_t>(plan.worst.size()) >= options_.worst) break;
      if (shown_groups.insert(groups_[static_cast<size_t>(query.query)]).second)
        plan.worst.push_back(std::move(query));
    }
    return plan;
  }

 private:
  const std::vector<int64_t>& members_of(int64_t row) const {
    return members_.at(groups_[static_cast<size_t>(row)]);
  }

  // R relevant rows leave room for one irrelevant row in a list of R + 1.
  int64_t depth(int64_t query) const {
    const int64_t members = static_cast<int64_t>(members_of(query).size());
    return members < 2 ? 0 : std::max(options_.neighbours, members);
  }

  SheetQuery show(int64_t query, std::span<const eval::Neighbour> found) const {
    double nearest_relevant = -kInfinity;
    for (int64_t other : members_of(query))
      if (other != query)
        nearest_relevant = std::max(nearest_relevant, eval::score(ready_, query, ready_, other));
    const auto irrelevant =
        std::find_if(found.begin(), found.end(), [](const eval::Neighbour& n) { return !n.relevant; });
    const double nearest_irrelevant = irrelevant == found.end() ? -kInfinity : irrelevant->score;
    const auto first =
        found.first(std::min(found.size(), static_cast<size_t>(std::max<int64_t>(options_.neighbours, 0))));
    return {query,
            {first.begin(), first.end()},
            static_cast<int64_t>(members_of(query).size()) - 1,
            nearest_relevant - nearest_irrelevant};
  }

  const std::vector<int64_t>& groups_;
  const SheetOptions& options_;
  eval::ComparableRows ready_;
  std::unordered_map<int64_t, std::vector<int64_t>> members_;
};

}  // namespace

SheetPlan plan_sheet(const eval::LabelledRows& rows, const SheetOptions& options) {
  eval::check_labelled(rows);
  return Planner(rows, options).plan();
}

}  // namespace lodestone::report
