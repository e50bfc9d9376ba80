#include "sampler/sources/listed_images.h"

#include <algorithm>
#include <utility>

#include "common/paths.h"
#include "sampler/sources/encoded_images.h"
#include "sampler/sources/image_files.h"
#include "sampler/sources/indexed_images.h"
#include "sampler/sources/name_pool.h"
#include "sampler/sources/shard_index_cache.h"

namespace lodestone::sampler {

namespace fs = std::filesystem;

namespace {

std::string normal(const std::string& name) {
  return fs::path(name).lexically_normal().generic_string();
}

}  // namespace

class ListedImages::Images : public IndexedImages, public EncodedImages {
 public:
  Images(ListedImages from, const DecodeOptions& decode)
      : IndexedImages(ClassTable({from.names_.begin(), from.names_.end()}, {})),
        root_(std::move(from.root_)),
        places_(std::move(from.places_)),
        shards_(std::move(from.shards_)),
        decode_(decode) {
    for (const std::string& name : from.names_) {
      add(table().index(name), name);
      names_.add(name);
    }
    for (size_t s = 0; s < std::min(kFilesKeptOpen, shards_.size()); ++s) shards_[s].keep_open();
  }

  std::string key(int64_t i) const override { return std::string(names_.at(i)); }

  Image get(int64_t i) const override {
    const Place& place = places_.at(static_cast<size_t>(i));
    return place.shard ? shards_[*place.shard].get(place.at, decode_) : read_image(root_ / key(i), decode_);
  }

  std::vector<std::byte> encoded(int64_t i) const override {
    const Place& place = places_.at(static_cast<size_t>(i));
    return place.shard ? shards_[*place.shard].encoded(place.at) : read_encoded(root_ / key(i));
  }

 private:
  fs::path root_;
  std::vector<Place> places_;
  std::vector<TarShard> shards_;
  DecodeOptions decode_;
  NamePool names_;
};

const ListedImages::Members& ListedImages::members_of(const std::string& shard) {
  const auto known = members_.find(shard);
  if (known != members_.end()) return known->second;
  const std::string path = (root_ / shard).string();
  TarShard read(path, cached_shard_index(PositionedFile(path), index_cache_));
  Members members{shards_.size(), {}};
  for (size_t i = 0; i < read.index().block.size(); ++i)
    members.at.emplace(normal(std::string(read.index().name(i))), i);
  shards_.push_back(std::move(read));
  return members_.emplace(shard, std::move(members)).first->second;
}

std::optional<ListedImages::Place> ListedImages::find(const ImageName& name) {
  if (!is_file(root_ / name.file)) return {};
  if (!name.member) return Place{};
  const Members& members = members_of(name.file);
  const auto member = members.at.find(*name.member);
  if (member == members.at.end()) return {};
  return Place{members.shard, member->second};
}

std::optional<int64_t> ListedImages::index(const std::string& text) {
  ImageName name = ImageName::of(text);
  name.file = normal(name.file);
  if (name.member) name.member = normal(*name.member);
  const std::string full = name.member ? name.file + "!" + *name.member : name.file;
  const auto known = indices_.find(full);
  if (known != indices_.end()) return known->second;
  const auto place = find(name);
  if (!place) return {};
  places_.push_back(*place);
  names_.push_back(full);
  return indices_[full] = static_cast<int64_t>(names_.size()) - 1;
}

std::shared_ptr<const ImageDataset> ListedImages::open(const DecodeOptions& decode) && {
  members_.clear();
  return std::make_shared<Images>(std::move(*this), decode);
}

}  // namespace lodestone::sampler
