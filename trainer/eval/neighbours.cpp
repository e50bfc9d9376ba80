#include "trainer/eval/neighbours.h"

#include <algorithm>
#include <string>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include "common/error.h"
#include "common/parallel.h"
#include "trainer/eval/shortlist.h"
#include "trainer/eval/similarity_tiles.h"

namespace lodestone::eval {

bool ranks_before(const Neighbour& a, const Neighbour& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.relevant != b.relevant) return b.relevant;
  return a.index < b.index;
}

namespace {

void check(const NeighbourSearch& s) {
  const bool fits = s.queries.width() == s.gallery.width() &&
                    s.queries.similarity() == s.gallery.similarity() &&
                    static_cast<int64_t>(s.query_groups.size()) == s.queries.size() &&
                    static_cast<int64_t>(s.gallery_groups.size()) == s.gallery.size();
  const ItemRange asked = s.asked.value_or(ItemRange{0, s.queries.size()});
  const bool within = 0 <= asked.begin && asked.begin <= asked.end && asked.end <= s.queries.size();
  if (!fits || !within || s.query_tile < 1 || s.gallery_tile < 1) {
    throw Error(
        "neighbours: expected queries and gallery of one width and similarity, a group for each row, a range "
        "within the queries and tiles of at least 1; got widths " +
        std::to_string(s.queries.width()) + " and " + std::to_string(s.gallery.width()));
  }
}

// Memory for the shortlists of the queries that are searched together; the list of a single query may exceed
// it.
constexpr int64_t kListBytes = int64_t{256} << 20;

using Depth = std::function<int64_t(int64_t query)>;

// The longest range from `asked.begin` on, of at most `most` queries, whose lists fit into memory.
ItemRange fitting(ItemRange asked, int64_t most, const Depth& depth) {
  const int64_t last = std::min(asked.end, asked.begin + most);
  int64_t end = asked.begin, bytes = 0;
  while (end < last && (bytes += Shortlist::bytes(depth(end))) <= kListBytes) ++end;
  return {asked.begin, std::max(end, std::min(last, asked.begin + 1))};
}

std::vector<Shortlist> empty_lists(ItemRange queries, const Depth& depth) {
  std::vector<Shortlist> lists;
  lists.reserve(static_cast<size_t>(queries.end - queries.begin));
  for (int64_t q = queries.begin; q < queries.end; ++q) lists.emplace_back(depth(q));
  return lists;
}

std::span<Shortlist> part(std::vector<Shortlist>& lists, ItemRange part) {
  return std::span(lists).subspan(static_cast<size_t>(part.begin),
                                  static_cast<size_t>(part.end - part.begin));
}

// Range number `index` of the ranges of size `length` that cover [0, count).
ItemRange block(int64_t index, int64_t length, int64_t count) {
  return {index * length, std::min(count, (index + 1) * length)};
}

ItemRange shifted(ItemRange range, int64_t by) {
  return {range.begin + by, range.end + by};
}

// Searches queries in the gallery. Each thread has tiles of queries of its own, so that none waits for
// another's share of a product; if there are too few queries for that, the threads share tiles.
void search_tiles(const NeighbourSearch& s, const SimilarityTiles& tiles, ItemRange queries,
                  std::vector<Shortlist>& lists) {
  constexpr int64_t kLeast = 64;
  const int64_t count = queries.end - queries.begin, threads = at::get_num_threads();
  const int64_t length = std::min(s.query_tile, std::max((count + threads - 1) / threads, kLeast));
  const int64_t blocks = (count + length - 1) / length;
  parallel_ranges(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const ItemRange own = block(b, length, count), asked = shifted(own, queries.begin);
      for (int64_t start = 0; start < s.gallery.size(); start += s.gallery_tile) {
        const ItemRange rows{start, std::min(start + s.gallery_tile, s.gallery.size())};
        tiles.fold_rows(tiles.propose(asked, rows), asked, rows, part(lists, own));
      }
    }
  });
}

// Searches all rows among themselves with half of the products, since a tile serves the rows of both its
// sides. In round r the blocks i and j with i + j = r modulo the number of blocks are paired: each block is
// in one tile of a round, so that no two threads use the same lists.
void search_itself(const NeighbourSearch& s, const SimilarityTiles& tiles, std::vector<Shortlist>& lists) {
  const int64_t count = s.gallery.size(), length = std::min(s.query_tile, s.gallery_tile);
  const int64_t blocks = (count + length - 1) / length;
  for (int64_t round = 0; round < blocks; ++round) {
    std::vector<std::pair<int64_t, int64_t>> tiles_of_round;
    for (int64_t i = 0; i < blocks; ++i)
      if (const int64_t j = (round - i + blocks) % blocks; i <= j) tiles_of_round.emplace_back(i, j);
    parallel_ranges(static_cast<int64_t>(tiles_of_round.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        const auto [i, j] = tiles_of_round[static_cast<size_t>(n)];
        const ItemRange rows = block(i, length, count), columns = block(j, length, count);
        const at::Tensor tile_TG = tiles.propose(rows, columns);
        tiles.fold_rows(tile_TG, rows, columns, part(lists, rows));
        if (i != j) tiles.fold_columns(tile_TG, rows, columns, part(lists, columns));
      }
    });
  }
}

// Whether all rows are searched among themselves.
bool of_itself(const NeighbourSearch& s, ItemRange asked) {
  return &s.queries == &s.gallery && s.query_groups.data() == s.gallery_groups.data() && s.first_self == 0 &&
         asked.begin == 0 && asked.end == s.queries.size();
}

}  // namespace

void for_each_query(const NeighbourSearch& search, const Depth& depth,
                    const std::function<void(int64_t query, std::span<const Neighbour>)>& visit) {
  check(search);
  const SimilarityTiles tiles(search);
  const ItemRange asked = search.asked.value_or(ItemRange{0, search.queries.size()});
  const bool itself = of_itself(search, asked) && fitting(asked, asked.end, depth).end == asked.end;
  const int64_t most = itself ? asked.end : search.query_tile * at::get_num_threads();
  for (ItemRange now{asked.begin, asked.begin}; now.end < asked.end;) {
    now = fitting({now.end, asked.end}, most, depth);
    std::vector<Shortlist> lists = empty_lists(now, depth);
    if (itself)
      search_itself(search, tiles, lists);
    else
      search_tiles(search, tiles, now, lists);
    for (int64_t q = now.begin; q < now.end; ++q)
      visit(q, lists[static_cast<size_t>(q - now.begin)].finish());
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

std::vector<std::vector<Neighbour>> nearest_rows(const ComparableRows& queries, const ComparableRows& gallery,
                                                 int64_t k) {
  // Groups that no query shares with any row.
  const std::vector<int64_t> none(static_cast<size_t>(queries.size()), -1),
      all(static_cast<size_t>(gallery.size()), 0);
  return nearest_neighbours({queries, none, gallery, all}, k);
}

}  // namespace lodestone::eval
