#include "trainer/search/hard_negatives.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <unordered_map>

#include "trainer/eval/neighbours.h"

namespace lodestone::search {

namespace {

class TripletMiner {
 public:
  TripletMiner(const eval::LabelledRows& rows, std::span<const uint64_t> ids_N, const MiningOptions& options)
      : rows_(rows), ids_N_(ids_N), options_(options), compared_(rows.x_ND, eval::Similarity::kCosine) {
    for (size_t i = 0; i < rows.labels().size(); ++i)
      members_[rows.labels()[i]].push_back(static_cast<int64_t>(i));
    for (const int64_t group : rows.groups_N) ++group_sizes_[group];
  }

  std::vector<MinedTriplet> run(int64_t begin, int64_t end) const {
    const at::Tensor q_QD = rows_.x_ND.narrow(0, begin, end - begin);
    const eval::ComparableRows queries(q_QD, eval::Similarity::kCosine);
    const std::span<const int64_t> groups(rows_.groups_N);
    const eval::NeighbourSearch search{
        queries, groups.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)), compared_,
        groups, begin};
    std::vector<MinedTriplet> found;
    // Rows of the anchor's group, and copies of its negatives, may precede the negatives.
    const auto depth = [&](int64_t q) {
      return group_sizes_.at(rows_.groups_N[static_cast<size_t>(begin + q)]) + 4 * options_.per_anchor + 16;
    };
    eval::for_each_query(search, depth, [&](int64_t q, std::span<const eval::Neighbour> nearest) {
      add(begin + q, nearest, found);
    });
    return found;
  }

 private:
  uint64_t id(int64_t i) const { return ids_N_[static_cast<size_t>(i)]; }

  std::optional<eval::Neighbour> positive_of(int64_t anchor) const {
    std::optional<eval::Neighbour> least;
    for (const int64_t other : members_.at(rows_.labels()[static_cast<size_t>(anchor)])) {
      if (id(other) == id(anchor)) continue;
      const double similarity = eval::score(compared_, anchor, compared_, other);
      if (!least || similarity < least->score) least = eval::Neighbour{similarity, other, true};
    }
    return least;
  }

  void add(int64_t anchor, std::span<const eval::Neighbour> nearest, std::vector<MinedTriplet>& found) const {
    const auto positive = positive_of(anchor);
    if (!positive) return;
    std::set<uint64_t> seen = {id(anchor), id(positive->index)};
    int64_t left = options_.per_anchor;
    for (const eval::Neighbour& neighbour : nearest) {
      if (left == 0 || neighbour.score <= positive->score - options_.margin) break;
      if (neighbour.relevant || neighbour.score > options_.max_score ||
          !seen.insert(id(neighbour.index)).second)
        continue;
      found.push_back({anchor, positive->index, neighbour.index});
      --left;
    }
  }

  const eval::LabelledRows& rows_;
  std::span<const uint64_t> ids_N_;
  const MiningOptions& options_;
  eval::ComparableRows compared_;
  std::unordered_map<int64_t, std::vector<int64_t>> members_;
  std::unordered_map<int64_t, int64_t> group_sizes_;
};

}  // namespace

std::vector<MinedTriplet> mine_triplets(const eval::LabelledRows& rows, std::span<const uint64_t> ids_N,
                                        int64_t begin, int64_t end, const MiningOptions& options) {
  eval::check_labelled(rows);
  if (begin >= end) return {};
  return TripletMiner(rows, ids_N, options).run(begin, end);
}

std::vector<MinedTriplet> without_repeats(const std::vector<MinedTriplet>& triplets,
                                          std::span<const uint64_t> ids_N) {
  std::set<std::array<uint64_t, 3>> seen;
  std::vector<MinedTriplet> kept;
  const auto id = [&](int64_t i) { return ids_N[static_cast<size_t>(i)]; };
  for (const MinedTriplet& t : triplets)
    if (seen.insert({id(t.anchor), id(t.positive), id(t.negative)}).second) kept.push_back(t);
  return kept;
}

}  // namespace lodestone::search
