#include "trainer/serve/gallery_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <ATen/ops/empty.h>

#include "common/paths.h"
#include "common/utf8.h"
#include "trainer/search/gallery.h"

namespace lodestone::serve {

namespace {

constexpr size_t kNameBytes = 256;  // of an identity's name

search::Embeddings nothing(const ServedModel& model) {
  return {at::empty({0, model.width}, at::kFloat), {}, model.about};
}

search::Embeddings with_shown_ids(search::Embeddings rows) {
  for (search::EmbeddedRow& row : rows.rows_N) row.id = shown_id(row.id);
  return rows;
}

// The id in the file of a photograph that a client names as it was shown.
std::string stored_id(const search::Embeddings& gallery, const std::string& name,
                      const std::string& photograph) {
  std::string found;
  for (const search::EmbeddedRow& row : gallery.rows_N) {
    if (row.label != name || shown_id(row.id) != photograph) continue;
    if (!found.empty())
      throw DataError(
          "photograph: expected the id of one photograph, got that of several; remove it with `lodestone "
          "gallery remove`, which takes its path");
    found = row.id;
  }
  return found.empty() ? photograph : found;
}

}  // namespace

std::string shown_id(const std::string& id) {
  if (!id.starts_with('/')) return id;
  const std::filesystem::path path(id);
  return (path.parent_path().filename() / path.filename()).string();
}

ServedGallery::ServedGallery(search::Embeddings rows) : embeddings(with_shown_ids(std::move(rows))) {}

bool GalleryStore::exists() const {
  return path_exists(file_);
}

std::shared_ptr<const ServedGallery> GalleryStore::empty(const ServedModel& model) {
  return std::make_shared<const ServedGallery>(nothing(model));
}

void GalleryStore::check(const search::Embeddings& gallery, const ServedModel& model) const {
  const auto own = model.about.find("model");
  if (own == model.about.end() || gallery.fact("model") != own->second || gallery.z_ND.size(1) != model.width)
    throw ConfigError(file_.string() +
                      ": expected embeddings of this model's weights, got those of others; embed its samples "
                      "again with this checkpoint, or name the checkpoint that made them");
}

std::shared_ptr<const ServedGallery> GalleryStore::read(const ServedModel& model) const {
  search::Embeddings gallery = search::read_embeddings(file_);
  check(gallery, model);
  return std::make_shared<const ServedGallery>(std::move(gallery));
}

std::shared_ptr<const ServedGallery> GalleryStore::add(const ServedModel& model, const ServedGallery& served,
                                                       const search::Embeddings& more) const {
  search::Embeddings after;
  search::update_gallery(file_, [&](const std::optional<search::Embeddings>& before) {
    if (!before && served.embeddings.size() > 0)
      throw DataError("gallery: expected its file, which existed, got none; restore it, then reload");
    if (before) check(*before, model);
    after = search::add_to_gallery(before ? *before : nothing(model), more);
    if (after.size() > std::max(limits_.rows, before ? before->size() : 0))
      throw DataError("gallery: expected at most " + std::to_string(limits_.rows) + " photographs, got " +
                      std::to_string(after.size()) + "; remove some, or raise --max-gallery-rows");
    return after;
  });
  return std::make_shared<const ServedGallery>(std::move(after));
}

std::shared_ptr<const ServedGallery> GalleryStore::remove(const ServedModel& model, const std::string& name,
                                                          const std::string& photograph) const {
  search::Embeddings after;
  search::update_gallery(file_, [&](const std::optional<search::Embeddings>& before) {
    if (!before) throw NotFoundError("gallery: expected '" + name + "', got an empty gallery");
    check(*before, model);
    const std::string id = photograph.empty() ? "" : stored_id(*before, name, photograph);
    try {
      after = search::remove_from_gallery(*before, name, id);
    } catch (const DataError& error) {
      throw NotFoundError(error.what());
    }
    return after;
  });
  return std::make_shared<const ServedGallery>(std::move(after));
}

std::string identity_name(const std::string& given) {
  const std::string name = plain_name(given);
  if (is_blank(name)) throw DataError("name: expected the name of an identity, got none");
  if (name.size() > kNameBytes)
    throw DataError("name: expected at most " + std::to_string(kNameBytes) + " bytes, got " +
                    std::to_string(name.size()));
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  if (!is_utf8(name) || std::ranges::any_of(name, control))
    throw DataError("name: expected a text without control characters, got others");
  return name;
}

}  // namespace lodestone::serve
