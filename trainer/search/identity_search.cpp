#include "trainer/search/identity_search.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace lodestone::search {

namespace {

/// Rows per identity in the first pass, and the factor by which each further pass asks for more.
constexpr int64_t kDepth = 4, kDeeper = 8;

}  // namespace

IdentitySearch::IdentitySearch(const Embeddings& gallery)
    : gallery_(gallery),
      rows_(gallery.z_ND, gallery.similarity()),
      identities_(search::identities(gallery)),
      zero_N_(static_cast<size_t>(gallery.size()), 0) {
  std::map<std::string, int64_t> places;
  for (size_t i = 0; i < identities_.size(); ++i) {
    places[identities_[i].name] = static_cast<int64_t>(i);
    largest_ = std::max(largest_, identities_[i].photographs);
  }
  for (const EmbeddedRow& row : gallery.rows_N) identity_N_.push_back(places.at(row.label));
}

// The identities of the rows, best first, ties by name.
std::vector<Identity> IdentitySearch::best_of(std::span<const eval::Neighbour> nearest) const {
  std::map<int64_t, Identity> best;
  for (const eval::Neighbour& neighbour : nearest) {
    const auto row = static_cast<size_t>(neighbour.index);
    const Identity& known = identities_[static_cast<size_t>(identity_N_[row])];
    best.try_emplace(identity_N_[row], Identity{.name = known.name,
                                                .photographs = known.photographs,
                                                .score = neighbour.score,
                                                .photograph = gallery_.rows_N[row].id,
                                                .row = neighbour.index});
  }
  std::vector<Identity> found;
  for (auto& [which, identity] : best) found.push_back(std::move(identity));
  std::ranges::stable_sort(found, std::greater(), &Identity::score);
  return found;
}

std::vector<std::vector<Identity>> IdentitySearch::identify(const at::Tensor& q_QD, int64_t k) const {
  const eval::ComparableRows queries(q_QD, gallery_.similarity());
  const std::vector<int64_t> none(static_cast<size_t>(queries.size()), -1);
  const auto most = static_cast<size_t>(k);
  std::vector<std::vector<Identity>> all(none.size());
  // Deep enough to find k identities even if each contributes all its photographs.
  const int64_t deepest = std::min(rows_.size(), k * largest_);
  for (int64_t depth = std::min(deepest, k * kDepth);; depth = std::min(deepest, depth * kDeeper)) {
    bool decided = true;
    eval::for_each_query(
        {queries, none, rows_, zero_N_}, [&](int64_t) { return depth; },
        [&](int64_t query, std::span<const eval::Neighbour> nearest) {
          std::vector<Identity>& found = all[static_cast<size_t>(query)];
          found = best_of(nearest);
          // Rows that were not asked for have no larger scores than the last one: they cannot enter.
          if (depth < deepest)
            decided = decided && found.size() >= most && nearest.back().score < found[most - 1].score;
          if (found.size() > most) found.resize(most);
        });
    if (decided) return all;
  }
}

}  // namespace lodestone::search
