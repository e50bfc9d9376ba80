#include "sampler/listed_images.h"

#include <set>
#include <string_view>

#include "sampler/image_files.h"
#include "sampler/indexed_images.h"
#include "sampler/name_pool.h"
#include "sampler/shard_index_cache.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

std::string normal(const std::string& name) {
  return fs::path(name).lexically_normal().generic_string();
}

}  // namespace

/// What a list says, in one spelling.
struct ListedImages::Name {
  std::string file;
  std::string member;  ///< of a shard; else empty

  static Name of(const std::string& text) {
    constexpr std::string_view kWithin = ".tar!";
    const size_t end = text.find(kWithin);
    if (end == std::string::npos) return {normal(text), ""};
    const std::string member = normal(text.substr(end + kWithin.size()));
    return {normal(text.substr(0, end + kWithin.size() - 1)), member.empty() ? "." : member};
  }
};

class ListedImages::Images : public IndexedImages {
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
  }

  std::string key(int64_t i) const override { return std::string(names_.at(i)); }

  Image get(int64_t i) const override {
    const Place& place = places_.at(static_cast<size_t>(i));
    return place.shard ? shards_[*place.shard].get(place.at, decode_) : read_image(root_ / key(i), decode_);
  }

 private:
  fs::path root_;
  std::vector<Place> places_;
  std::vector<Shard> shards_;
  DecodeOptions decode_;
  NamePool names_;
};

const ListedImages::Members& ListedImages::members_of(const std::string& shard) {
  const auto [found, is_new] = members_.try_emplace(shard, Members{shards_.size(), {}});
  if (!is_new) return found->second;
  const std::string path = (root_ / shard).string();
  shards_.emplace_back(path, cached_shard_index(PositionedFile(path), index_cache_));
  const ShardIndex& index = shards_.back().index();
  for (size_t i = 0; i < index.block.size(); ++i) found->second.at.emplace(normal(std::string(index.name(i))), i);
  return found->second;
}

std::optional<ListedImages::Place> ListedImages::find(const Name& name) {
  std::error_code ignored;
  if (!fs::is_regular_file(root_ / name.file, ignored)) return {};
  if (name.member.empty()) return Place{};
  const Members& members = members_of(name.file);
  const auto member = members.at.find(name.member);
  if (member == members.at.end()) return {};
  return Place{members.shard, member->second};
}

std::optional<int64_t> ListedImages::index(const std::string& text) {
  const Name name = Name::of(text);
  const std::string full = name.member.empty() ? name.file : name.file + "!" + name.member;
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

}  // namespace lodestone
