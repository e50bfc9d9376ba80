#include "trainer/search/gallery.h"

#include <algorithm>
#include <map>
#include <set>

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include "common/fields.h"
#include "common/file_lock.h"
#include "common/paths.h"
#include "common/utf8.h"
#include "trainer/search/identity_search.h"

namespace lodestone::search {

namespace {

Embeddings kept(const Embeddings& gallery, const std::function<bool(const EmbeddedRow&)>& keep) {
  Embeddings rest{{}, {}, gallery.about};
  std::vector<int64_t> indices;
  for (size_t i = 0; i < gallery.rows_N.size(); ++i) {
    if (!keep(gallery.rows_N[i])) continue;
    rest.rows_N.push_back(gallery.rows_N[i]);
    indices.push_back(static_cast<int64_t>(i));
  }
  rest.z_ND = gallery.z_ND.index_select(0, at::tensor(indices, at::kLong)).contiguous();
  return rest;
}

// Lists the first of `all`: "a, b and 12 others".
std::string first_of(const std::set<std::string>& all) {
  constexpr size_t kShown = 8, kLongest = 80;
  std::string text;
  size_t shown = 0;
  for (const std::string& one : all) {
    if (++shown > kShown) return text + " and " + std::to_string(all.size() - kShown) + " others";
    text += (text.empty() ? "" : ", ") + beginning(one, kLongest);
  }
  return text;
}

[[noreturn]] void refuse_unknown(const Embeddings& gallery, const std::string& name,
                                 const std::string& photograph) {
  std::set<std::string> names, photographs;
  for (const EmbeddedRow& row : gallery.rows_N) {
    names.insert(row.label);
    if (row.label == name) photographs.insert(row.id);
  }
  const bool known = names.contains(name);
  const std::set<std::string>& all = known ? photographs : names;
  const std::string near =
      nearest_word(known ? photograph : name, std::vector<std::string>(all.begin(), all.end()));
  throw DataError("gallery: expected " +
                  (known ? "a photograph of '" + name + "', got '" + photograph + "'"
                         : "an identity, got '" + name + "'") +
                  ", which it does not have; " +
                  (near.empty() ? "" : "did you mean '" + beginning(near, 80) + "'? ") +
                  (all.empty() ? "it is empty" : "it has " + first_of(all)));
}

}  // namespace

Embeddings add_to_gallery(const Embeddings& gallery, const Embeddings& more) {
  std::set<std::pair<std::string, std::string>> added;
  for (const EmbeddedRow& row : more.rows_N) {
    if (row.label.empty())
      throw ConfigError("gallery: expected a name for " + row.id + ", got none; give --name");
    added.emplace(row.label, row.id);
  }
  if (gallery.fact("model") != more.fact("model") || gallery.z_ND.size(1) != more.z_ND.size(1))
    throw ConfigError(
        "gallery: its photographs were embedded by another model; create it again with this model, or name "
        "that model");
  Embeddings all = kept(gallery, [&](const EmbeddedRow& row) {
    return !added.contains({row.label, row.id});
  });
  // If a photograph is repeated within `more`, the last one counts.
  std::map<std::pair<std::string, std::string>, int64_t> last;
  for (size_t i = 0; i < more.rows_N.size(); ++i)
    last[{more.rows_N[i].label, more.rows_N[i].id}] = static_cast<int64_t>(i);
  std::vector<at::Tensor> parts = {all.z_ND};
  for (const auto& [key, index] : last) {
    parts.push_back(more.z_ND.narrow(0, index, 1));
    all.rows_N.push_back(more.rows_N[static_cast<size_t>(index)]);
  }
  all.z_ND = at::cat(parts).contiguous();
  return all;
}

Embeddings remove_from_gallery(const Embeddings& gallery, const std::string& name,
                               const std::string& photograph) {
  Embeddings rest = kept(gallery, [&](const EmbeddedRow& row) {
    return row.label != name || (!photograph.empty() && row.id != photograph);
  });
  if (rest.size() < gallery.size()) return rest;
  refuse_unknown(gallery, name, photograph);
}

std::vector<Identity> identities(const Embeddings& gallery) {
  std::map<std::string, int64_t> counts;
  for (const EmbeddedRow& row : gallery.rows_N) ++counts[row.label];
  std::vector<Identity> all;
  for (const auto& [name, count] : counts) all.push_back({.name = name, .photographs = count});
  return all;
}

std::vector<std::vector<Identity>> identify(const Embeddings& gallery, const at::Tensor& q_QD, int64_t k) {
  return IdentitySearch(gallery).identify(q_QD, k);
}

void update_gallery(const std::filesystem::path& file,
                    const std::function<Embeddings(const std::optional<Embeddings>& before)>& change) {
  const FileLock lock(file);
  std::optional<Embeddings> before;
  if (path_exists(file)) before = read_embeddings(file);
  write_embeddings(file, change(before));
}

}  // namespace lodestone::search
