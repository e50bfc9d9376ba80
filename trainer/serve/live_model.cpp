#include "trainer/serve/live_model.h"

#include <utility>

namespace lodestone::serve {

LiveModel::LiveModel(Load load, std::optional<GalleryStore> store, const ImageLimits& limits)
    : load_(std::move(load)), store_(std::move(store)), limits_(limits) {
  std::shared_ptr<const ServedModel> model = load_();
  std::shared_ptr<const ServedGallery> gallery;
  if (store_) gallery = store_->exists() ? store_->read(*model) : GalleryStore::empty(*model);
  serve(std::move(model), std::move(gallery));
}

std::shared_ptr<const ServedState> LiveModel::now() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

void LiveModel::serve(std::shared_ptr<const ServedModel> model,
                      std::shared_ptr<const ServedGallery> gallery) {
  ServedState state;
  if (model->images) state.images = std::make_shared<const ImageReader>(*model->images, limits_);
  state.model = std::move(model);
  state.gallery = std::move(gallery);
  auto made = std::make_shared<const ServedState>(std::move(state));
  const std::scoped_lock lock(mutex_);
  state_.swap(made);  // the former one is freed outside the lock
}

void LiveModel::reload() {
  const std::unique_lock reloading(reloading_, std::try_to_lock);
  if (!reloading) throw ReloadingError("reload: another one is in progress; try again later");
  std::shared_ptr<const ServedModel> model = load_();
  const std::scoped_lock lock(changing_);
  std::shared_ptr<const ServedGallery> gallery;
  // A gallery to which nobody was added yet has no file.
  if (store_ && !store_->exists() && now()->gallery->embeddings.size() == 0)
    gallery = GalleryStore::empty(*model);
  else if (store_)
    gallery = store_->read(*model);
  serve(std::move(model), std::move(gallery));
}

std::shared_ptr<const ServedGallery> LiveModel::add(const ServedState& seen, const search::Embeddings& more) {
  const std::scoped_lock lock(changing_);
  const auto state = now();
  if (state->model != seen.model) return nullptr;
  const auto gallery = store_->add(*state->model, *state->gallery, more);
  serve(state->model, gallery);
  return gallery;
}

std::shared_ptr<const ServedGallery> LiveModel::remove(const std::string& name,
                                                       const std::string& photograph) {
  const std::scoped_lock lock(changing_);
  const auto model = now()->model;
  try {
    const auto gallery = store_->remove(*model, name, photograph);
    serve(model, gallery);
    return gallery;
  } catch (const NotFoundError&) {
    // Another process has removed it from the file: it must not stay in memory.
    serve(model, store_->exists() ? store_->read(*model) : GalleryStore::empty(*model));
    throw;
  }
}

}  // namespace lodestone::serve
