#include "trainer/eval/one_shot.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <string>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone::eval {

namespace {

void check(const OneShotTrial& trial, int64_t rows) {
  const auto is_row = [rows](int64_t i) { return i >= 0 && i < rows; };
  const bool fits = is_row(trial.query) &&
                    std::all_of(trial.candidates.begin(), trial.candidates.end(), is_row) &&
                    trial.right >= 0 && trial.right < static_cast<int64_t>(trial.candidates.size());
  if (!fits)
    throw Error("one_shot: a trial names a row or candidate that is not among " + std::to_string(rows) +
                " rows");
}

bool answered(const OneShotTrial& trial, const PairScore& score) {
  const int64_t right = trial.candidates[static_cast<size_t>(trial.right)];
  const double to_right = score(trial.query, right);
  for (size_t c = 0; c < trial.candidates.size(); ++c) {
    if (static_cast<int64_t>(c) == trial.right) continue;
    if (!(score(trial.query, trial.candidates[c]) < to_right)) return false;
  }
  return true;
}

// Rows of each group of one superclass.
using GroupRows = std::vector<std::vector<int64_t>>;

std::vector<GroupRows> eligible_superclasses(std::span<const int64_t> groups_N,
                                             std::span<const int64_t> superclasses_N, int64_t ways) {
  std::map<int64_t, std::map<int64_t, std::vector<int64_t>>> tree;
  for (size_t i = 0; i < groups_N.size(); ++i)
    tree[superclasses_N.empty() ? 0 : superclasses_N[i]][groups_N[i]].push_back(static_cast<int64_t>(i));
  std::vector<GroupRows> eligible;
  for (auto& [superclass, groups] : tree) {
    GroupRows rows;
    for (auto& [group, members] : groups) rows.push_back(std::move(members));
    const bool askable = std::any_of(rows.begin(), rows.end(), [](const auto& r) { return r.size() > 1; });
    if (askable && static_cast<int64_t>(rows.size()) >= ways) eligible.push_back(std::move(rows));
  }
  return eligible;
}

OneShotTrial draw(const GroupRows& groups, int64_t ways, Random random) {
  std::vector<int64_t> askable;
  for (size_t g = 0; g < groups.size(); ++g)
    if (groups[g].size() > 1) askable.push_back(static_cast<int64_t>(g));
  const int64_t right_group = askable[random.below(askable.size())];
  std::vector<int64_t> chosen = random.permutation(static_cast<int64_t>(groups.size()));
  std::erase(chosen, right_group);
  chosen.resize(static_cast<size_t>(ways) - 1);
  OneShotTrial trial{0, {}, static_cast<int64_t>(random.below(static_cast<uint64_t>(ways)))};
  chosen.insert(chosen.begin() + trial.right, right_group);
  for (int64_t group : chosen) {
    const auto& rows = groups[static_cast<size_t>(group)];
    const uint64_t candidate = random.below(rows.size());
    trial.candidates.push_back(rows[candidate]);
    if (group != right_group) continue;
    const uint64_t other = random.below(rows.size() - 1);
    trial.query = rows[other < candidate ? other : other + 1];
  }
  return trial;
}

}  // namespace

std::vector<double> one_shot_answers(const Comparison& rows, std::span<const OneShotTrial> trials) {
  std::vector<double> right;
  for (const OneShotTrial& trial : trials) {
    check(trial, rows.size);
    right.push_back(answered(trial, rows.score) ? 1 : 0);
  }
  return right;
}

double share_right(std::span<const double> answers) {
  if (answers.empty()) return std::numeric_limits<double>::quiet_NaN();
  return std::accumulate(answers.begin(), answers.end(), 0.0) / static_cast<double>(answers.size());
}

std::vector<OneShotTrial> draw_one_shot_trials(std::span<const int64_t> groups_N,
                                               std::span<const int64_t> superclasses_N,
                                               const DrawnTrials& options) {
  if (options.ways < 2 || options.trials < 0 ||
      (!superclasses_N.empty() && superclasses_N.size() != groups_N.size()))
    throw ConfigError(
        "one_shot: expected ways of at least 2, trials of at least 0 and a superclass for each row or for "
        "none; got " +
        std::to_string(options.ways) + " ways and " + std::to_string(options.trials) + " trials");
  const auto superclasses = eligible_superclasses(groups_N, superclasses_N, options.ways);
  if (superclasses.empty() && options.trials > 0)
    throw ConfigError("one_shot: expected a superclass with " + std::to_string(options.ways) +
                      " classes, one of them with two samples, got none; ask for fewer ways");
  std::vector<OneShotTrial> trials;
  for (int64_t t = 0; t < options.trials; ++t) {
    Random random(options.seed, Purpose::kTrials, 4, static_cast<uint64_t>(t));
    const GroupRows& groups = superclasses[random.below(superclasses.size())];
    trials.push_back(draw(groups, options.ways, random));
  }
  return trials;
}

}  // namespace lodestone::eval
