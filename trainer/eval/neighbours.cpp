#include "trainer/eval/neighbours.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include "common/error.h"
#include "common/parallel.h"

namespace lodestone {

bool ranks_before(const Neighbour& a, const Neighbour& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.relevant != b.relevant) return b.relevant;
  return a.index < b.index;
}

namespace {

// The best `depth` of the neighbours offered so far. Twice as many are kept between clean-ups, so that each
// offer costs O(1) amortised whatever the depth.
class Shortlist {
 public:
  explicit Shortlist(int64_t depth) : depth_(static_cast<size_t>(std::max<int64_t>(depth, 0))) {
    if (depth_ == 0) bar_ = std::numeric_limits<double>::infinity();
  }

  /// A score below this cannot enter.
  double bar() const { return bar_; }

  void offer(const Neighbour& neighbour) {
    items_.push_back(neighbour);
    if (items_.size() >= 2 * depth_ + 32) shrink();
  }

  const std::vector<Neighbour>& finish() {
    shrink();
    std::sort(items_.begin(), items_.end(), ranks_before);
    return items_;
  }

 private:
  void shrink() {
    if (items_.size() <= depth_) return;
    const auto last = items_.begin() + static_cast<std::ptrdiff_t>(depth_) - 1;
    std::nth_element(items_.begin(), last, items_.end(), ranks_before);
    bar_ = last->score;
    items_.resize(depth_);
  }

  size_t depth_;
  double bar_ = -std::numeric_limits<double>::infinity();
  std::vector<Neighbour> items_;
};

void check(const NeighbourSearch& s) {
  const bool fits = s.queries.width() == s.gallery.width() && s.queries.likeness() == s.gallery.likeness() &&
                    static_cast<int64_t>(s.query_groups.size()) == s.queries.size() &&
                    static_cast<int64_t>(s.gallery_groups.size()) == s.gallery.size();
  const Stretch asked = s.asked.value_or(Stretch{0, s.queries.size()});
  const bool within = 0 <= asked.begin && asked.begin <= asked.end && asked.end <= s.queries.size();
  if (!fits || !within || s.query_tile < 1 || s.gallery_tile < 1) {
    throw Error(
        "neighbours: expected queries and gallery of one width and likeness, a group for each row, a stretch within the queries "
        "and tiles of at least 1; got widths " +
        std::to_string(s.queries.width()) + " and " + std::to_string(s.gallery.width()));
  }
}

constexpr int64_t kBlock = 32;

// Without an early exit, so that the compiler can compare many at once.
bool all_below(const float* sim, float bar) {
  int reached = 0;
  for (int64_t k = 0; k < kBlock; ++k) reached |= sim[k] >= bar ? 1 : 0;
  return reached == 0;
}

class TiledSearch {
 public:
  explicit TiledSearch(const NeighbourSearch& search) : s_(search) {
    check(search);
    const auto& norms = s_.gallery.squared_norms();
    for (double norm : norms) longest_ = std::max(longest_, std::sqrt(norm));
    if (s_.gallery.likeness() == Likeness::kL2) {
      bias_N_.reserve(norms.size());
      for (double norm : norms) bias_N_.push_back(static_cast<float>(-norm));
    }
  }

  /// Shortlists for the queries first, first + 1, … against the whole gallery.
  void run(int64_t first, std::vector<Shortlist>& shortlists) const {
    const int64_t count = static_cast<int64_t>(shortlists.size());
    const at::Tensor q_TD = s_.queries.tensor().narrow(0, first, count);
    for (int64_t start = 0; start < s_.gallery.size(); start += s_.gallery_tile) {
      const int64_t width = std::min(s_.gallery_tile, s_.gallery.size() - start);
      const at::Tensor sim_TG = propose(q_TD, start, width);
      const float* sim = sim_TG.const_data_ptr<float>();
      parallel_stretches(count, 16, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t)
          fold(first + t, start, width, sim + t * width, shortlists[static_cast<size_t>(t)]);
      });
    }
  }

 private:
  // Rounded scores of a tile: x·y, or 2 x·y - |y|² for kL2, to which the query adds -|x|².
  at::Tensor propose(const at::Tensor& q_TD, int64_t start, int64_t width) const {
    const at::Tensor g_DG = s_.gallery.tensor().narrow(0, start, width).t();
    if (bias_N_.empty()) return at::mm(q_TD, g_DG);
    // from_blob takes no const pointer; the bias is only read.
    const at::Tensor bias_G = at::from_blob(const_cast<float*>(bias_N_.data() + start), {width}, at::kFloat);
    return at::addmm(bias_G, q_TD, g_DG, 1, 2);
  }

  // How far a proposed score may lie from the true one. A float32 dot product errs by less than c·u·|x||y|, u
  // = 2^-24, c = min(D, 8 sqrt D): the classical bound, or the probabilistic one (Higham & Mary 2019, λ = 8,
  // failing once in 10^13).
  double slack(double query_length) const {
    const double width = static_cast<double>(s_.gallery.width());
    const double relative = (std::min(width, 8 * std::sqrt(width)) + 8) * 0x1.0p-24;
    const double size = query_length + longest_;
    return bias_N_.empty() ? relative * query_length * longest_ : relative * size * size;
  }

  void fold(int64_t query, int64_t start, int64_t width, const float* sim, Shortlist& shortlist) const {
    const double norm = s_.queries.squared_norms()[static_cast<size_t>(query)];
    const double allowance = (bias_N_.empty() ? 0.0 : norm) - slack(std::sqrt(norm));
    const int64_t self = s_.first_self ? *s_.first_self + query : -1;
    const int64_t group = s_.query_groups[static_cast<size_t>(query)];
    // Rounded down, so that the comparison in float32 lets no candidate slip.
    const auto bar = [&] {
      const float rounded = static_cast<float>(shortlist.bar() + allowance);
      return std::nextafter(rounded, -std::numeric_limits<float>::infinity());
    };
    float current = bar();
    for (int64_t j = 0; j < width; ++j) {
      // Most blocks hold nothing near: passed over by vector comparisons.
      if (j % kBlock == 0 && j + kBlock <= width && all_below(sim + j, current)) {
        j += kBlock - 1;
        continue;
      }
      if (sim[j] < current || start + j == self) continue;
      const double exact = score(s_.queries, query, s_.gallery, start + j);
      if (exact < shortlist.bar()) continue;
      shortlist.offer({exact, start + j, s_.gallery_groups[static_cast<size_t>(start + j)] == group});
      current = bar();
    }
  }

  const NeighbourSearch& s_;
  double longest_ = 0;
  std::vector<float> bias_N_;
};

}  // namespace

void for_each_query(const NeighbourSearch& search, const std::function<int64_t(int64_t query)>& depth,
                    const std::function<void(int64_t query, std::span<const Neighbour>)>& visit) {
  const TiledSearch tiled(search);
  const Stretch asked = search.asked.value_or(Stretch{0, search.queries.size()});
  for (int64_t first = asked.begin; first < asked.end; first += search.query_tile) {
    const int64_t count = std::min(search.query_tile, asked.end - first);
    std::vector<Shortlist> shortlists;
    for (int64_t t = 0; t < count; ++t) shortlists.emplace_back(depth(first + t));
    tiled.run(first, shortlists);
    for (int64_t t = 0; t < count; ++t) visit(first + t, shortlists[static_cast<size_t>(t)].finish());
  }
}

std::vector<std::vector<Neighbour>> nearest_neighbours(const NeighbourSearch& search, int64_t k) {
  std::vector<std::vector<Neighbour>> all(static_cast<size_t>(search.queries.size()));
  for_each_query(
      search, [k](int64_t) { return k; },
      [&](int64_t query, std::span<const Neighbour> found) {
        all[static_cast<size_t>(query)].assign(found.begin(), found.end());
      });
  return all;
}

std::vector<std::vector<Neighbour>> nearest_rows(const ComparableRows& queries, const ComparableRows& gallery, int64_t k) {
  // No query is of any row's group.
  const std::vector<int64_t> none(static_cast<size_t>(queries.size()), -1), all(static_cast<size_t>(gallery.size()), 0);
  return nearest_neighbours({queries, none, gallery, all}, k);
}

}  // namespace lodestone
