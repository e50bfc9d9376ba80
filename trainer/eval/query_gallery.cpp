#include "trainer/eval/query_gallery.h"

#include <algorithm>
#include <string>

#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include "common/error.h"

namespace lodestone::eval {

namespace {

struct Part {
  ComparableRows rows;
  std::vector<int64_t> groups;
};

Part part_of(const LabelledRows& rows, const std::vector<int64_t>& indices, Similarity similarity) {
  const at::Tensor index = at::tensor(indices, at::kLong).to(rows.x_ND.device());
  Part part{ComparableRows(rows.x_ND.index_select(0, index), similarity), {}};
  for (const int64_t i : indices) part.groups.push_back(rows.groups_N[static_cast<size_t>(i)]);
  return part;
}

}  // namespace

bool RetrievalParts::all() const {
  return std::find(is_query_N.begin(), is_query_N.end(), false) == is_query_N.end() &&
         std::find(is_gallery_N.begin(), is_gallery_N.end(), false) == is_gallery_N.end();
}

Retrieval retrieve(const LabelledRows& rows, const RetrievalParts& parts, const RetrievalOptions& options,
                   const distributed::Group& group) {
  check_labelled(rows);
  const size_t n = rows.groups_N.size();
  if (parts.is_query_N.size() != n || parts.is_gallery_N.size() != n)
    throw Error("retrieval: expected a part for each of " + std::to_string(n) + " rows, got " +
                std::to_string(parts.is_query_N.size()) + " and " +
                std::to_string(parts.is_gallery_N.size()));
  std::vector<int64_t> gallery, both, outside;
  for (size_t i = 0; i < n; ++i) {
    auto& list = !parts.is_gallery_N[i] ? outside : parts.is_query_N[i] ? both : gallery;
    if (parts.is_query_N[i] || parts.is_gallery_N[i]) list.push_back(static_cast<int64_t>(i));
  }
  const auto first_both = static_cast<int64_t>(gallery.size());
  gallery.insert(gallery.end(), both.begin(), both.end());
  if (gallery.empty()) throw Error("retrieval: expected rows in the gallery, got none");
  const Part found = part_of(rows, gallery, options.similarity);
  Retrieval all;
  const auto ask = [&](const std::vector<int64_t>& asked, std::optional<int64_t> first_self) {
    if (asked.empty()) return;
    const Part asking = part_of(rows, asked, options.similarity);
    for (QueryResult result :
         retrieve({asking.rows, asking.groups, found.rows, found.groups, first_self}, options, group)
             .queries) {
      result.query = asked[static_cast<size_t>(result.query)];
      if (result.nearest >= 0) result.nearest = gallery[static_cast<size_t>(result.nearest)];
      all.queries.push_back(result);
    }
  };
  ask(both, first_both);
  ask(outside, {});
  std::sort(all.queries.begin(), all.queries.end(),
            [](const auto& a, const auto& b) { return a.query < b.query; });
  return all;
}

}  // namespace lodestone::eval
