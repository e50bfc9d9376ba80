#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "trainer/serve/gallery_store.h"
#include "trainer/serve/image_reader.h"
#include "trainer/serve/served_model.h"

namespace lodestone::serve {

/// A reload is in progress already.
class ReloadingError : public Error {
  using Error::Error;
};

/// The model and the gallery that are served. Both can be replaced while requests run: a request that began
/// ends with what it began with. Memory follows the gallery's file, never the other way round.
/// Memory    the model and the gallery, and during a reload a second of both
/// Threads   safe concurrently
class LiveModel {
 public:
  /// Loads the newest model of the run.
  using Load = std::function<std::shared_ptr<const ServedModel>()>;

  /// Loads the model and the gallery. A file that does not exist is an empty gallery.
  /// Throws    what `load` throws, and as GalleryStore::read
  LiveModel(Load load, std::optional<GalleryStore> store, const ImageLimits& limits);

  std::shared_ptr<const ServedState> now() const;

  /// Replaces the model and the gallery by the newest ones together, or neither of them.
  /// Throws    as the constructor, and if the gallery's file does not exist any more; ReloadingError
  void reload();
  /// Adds rows that were embedded with `seen`, and returns the gallery with them. Null if the model was
  /// replaced meanwhile: embed them again.
  /// Throws    as GalleryStore::add
  std::shared_ptr<const ServedGallery> add(const ServedState& seen, const search::Embeddings& more);
  /// Removes an identity or a photograph, and returns the gallery without it.
  /// Throws    as GalleryStore::remove
  std::shared_ptr<const ServedGallery> remove(const std::string& name, const std::string& photograph);

 private:
  void serve(std::shared_ptr<const ServedModel> model, std::shared_ptr<const ServedGallery> gallery);

  const Load load_;
  const std::optional<GalleryStore> store_;
  const ImageLimits limits_;
  std::mutex reloading_;  ///< held while a new model is loaded
  std::mutex changing_;   ///< held while the gallery's file or the state changes
  mutable std::mutex mutex_;
  std::shared_ptr<const ServedState> state_;
};

}  // namespace lodestone::serve
