#include "sampler/sources/cached_dataset.h"

#include <mutex>
#include <shared_mutex>
#include <vector>

namespace lodestone::sampler {

namespace {

class CachedDataset : public ImageDataset {
 public:
  CachedDataset(std::shared_ptr<const ImageDataset> dataset, int64_t max_bytes)
      : base_(std::move(dataset)), kept_(static_cast<size_t>(base_->size())), room_(max_bytes) {}

  int64_t size() const override { return base_->size(); }
  int64_t label(int64_t i) const override { return base_->label(i); }
  uint64_t id(int64_t i) const override { return base_->id(i); }
  std::string key(int64_t i) const override { return base_->key(i); }
  int64_t classes() const override { return base_->classes(); }
  std::string class_name(int64_t c) const override { return base_->class_name(c); }
  int64_t group(int64_t c) const override { return base_->group(c); }
  bool is_query(int64_t i) const override { return base_->is_query(i); }
  bool is_gallery(int64_t i) const override { return base_->is_gallery(i); }
  std::vector<Source> sources() const override { return base_->sources(); }

  LeftOut left_out() const override { return base_->left_out(); }
  Image get(int64_t i) const override {
    auto& slot = kept_.at(static_cast<size_t>(i));
    {
      std::shared_lock lock(mutex_);
      if (slot) return *slot;
    }
    Image image = base_->get(i);
    const auto bytes = static_cast<int64_t>(image.pixels.size() + sizeof(Image));
    std::unique_lock lock(mutex_);
    if (!slot && bytes <= room_) {
      slot = std::make_unique<const Image>(image);
      room_ -= bytes;
    }
    return image;
  }

 private:
  std::shared_ptr<const ImageDataset> base_;
  mutable std::shared_mutex mutex_;
  mutable std::vector<std::unique_ptr<const Image>> kept_;
  mutable int64_t room_;
};

}  // namespace

std::shared_ptr<const ImageDataset> cached(std::shared_ptr<const ImageDataset> dataset, int64_t max_bytes) {
  if (max_bytes <= 0) return dataset;
  return std::make_shared<CachedDataset>(std::move(dataset), max_bytes);
}

}  // namespace lodestone::sampler
