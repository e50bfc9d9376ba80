#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "common/error.h"
#include "trainer/serve/served_model.h"

namespace lodestone::serve {

/// Limits of what clients add to a gallery.
struct GalleryLimits {
  int64_t rows = 100'000;   ///< photographs of all identities
  size_t name_bytes = 256;  ///< of an identity's name
};

/// There is no such identity or photograph.
class NotFoundError : public DataError {
  using DataError::DataError;
};

/// The file of a gallery that is served. It may be changed by `lodestone gallery` at the same time. Each
/// change is made to what the file holds at that moment, under the file's lock, and is durable when the call
/// returns.
/// Threads   safe concurrently
class GalleryStore {
 public:
  explicit GalleryStore(std::filesystem::path file, const GalleryLimits& limits = {})
      : file_(std::move(file)), limits_(limits) {}

  bool exists() const;
  /// A gallery without rows, for a file that does not exist yet.
  static std::shared_ptr<const ServedGallery> empty(const ServedModel& model);
  /// Throws    IoError, DataError; ConfigError if the embeddings were made by another model
  std::shared_ptr<const ServedGallery> read(const ServedModel& model) const;
  /// Adds rows, whose labels are names of identities. `served` is the gallery in memory: a file that was
  /// lost meanwhile is not replaced by a smaller one.
  /// Throws    as read(); DataError if there would be too many rows
  std::shared_ptr<const ServedGallery> add(const ServedModel& model, const ServedGallery& served,
                                           const search::Embeddings& more) const;
  /// Removes an identity, or one photograph of it.
  /// Throws    as read(); NotFoundError
  std::shared_ptr<const ServedGallery> remove(const ServedModel& model, const std::string& name,
                                              const std::string& photograph) const;

 private:
  void check(const search::Embeddings& gallery, const ServedModel& model) const;

  const std::filesystem::path file_;
  const GalleryLimits limits_;
};

/// The name of an identity as it is stored: in Unicode's form C, without white space around it.
/// Throws    DataError if it is blank, too long, or has control characters
std::string identity_name(const std::string& given, const GalleryLimits& limits = {});

}  // namespace lodestone::serve
