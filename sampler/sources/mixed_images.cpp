#include "sampler/sources/mixed_images.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "common/error.h"
#include "sampler/sources/encoded_images.h"

namespace lodestone::sampler {

namespace {

class MixedImages : public ImageDataset, public EncodedImages {
 public:
  MixedImages(std::vector<std::shared_ptr<const ImageDataset>> sources, std::vector<double> weights,
              LeftOut left_out)
      : sources_(std::move(sources)), weights_(std::move(weights)), left_out_(std::move(left_out)) {
    weights_.resize(sources_.size());
    std::map<std::string, int64_t> numbers;
    for (const auto& source : sources_) {
      begins_.push_back(size_);
      size_ += source->size();
      for (int64_t c = 0; c < source->classes(); ++c) numbers.emplace(source->class_name(c), 0);
    }
    for (auto& [name, number] : numbers) {
      number = static_cast<int64_t>(names_.size());
      names_.push_back(name);
    }
    for (const auto& source : sources_) {
      auto& labels = labels_.emplace_back();
      for (int64_t c = 0; c < source->classes(); ++c)
        labels.push_back(static_cast<uint32_t>(numbers.at(source->class_name(c))));
    }
    join_groups();
  }

  int64_t size() const override { return size_; }
  int64_t label(int64_t i) const override {
    const size_t s = source_of(i);
    return labels_[s][static_cast<size_t>(sources_[s]->label(i - begins_[s]))];
  }
  uint64_t id(int64_t i) const override {
    const size_t s = source_of(i);
    return sources_[s]->id(i - begins_[s]) ^ (s * 0x9E3779B97F4A7C15);
  }
  std::string key(int64_t i) const override {
    const size_t s = source_of(i);
    return sources_[s]->key(i - begins_[s]);
  }
  int64_t classes() const override { return static_cast<int64_t>(names_.size()); }
  std::string class_name(int64_t c) const override { return names_.at(static_cast<size_t>(c)); }
  int64_t group(int64_t c) const override { return groups_.at(static_cast<size_t>(c)); }
  bool is_query(int64_t i) const override {
    const size_t s = source_of(i);
    return sources_[s]->is_query(i - begins_[s]);
  }
  bool is_gallery(int64_t i) const override {
    const size_t s = source_of(i);
    return sources_[s]->is_gallery(i - begins_[s]);
  }
  std::vector<Source> sources() const override {
    std::vector<Source> all;
    for (size_t s = 0; s < begins_.size(); ++s) all.push_back({begins_[s], weights_[s]});
    return all;
  }
  LeftOut left_out() const override {
    LeftOut all = left_out_;
    for (const auto& source : sources_) all.add(source->left_out());
    return all;
  }
  Image get(int64_t i) const override {
    const size_t s = source_of(i);
    return sources_[s]->get(i - begins_[s]);
  }
  std::vector<std::byte> encoded(int64_t i) const override {
    const size_t s = source_of(i);
    return encoded_image(*sources_[s], i - begins_[s]);
  }

 private:
  size_t source_of(int64_t i) const {
    return static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), i) - begins_.begin()) - 1;
  }

  // Joins the groups of all sources that share a class, and numbers them densely.
  void join_groups() {
    std::vector<size_t> root(names_.size());
    std::iota(root.begin(), root.end(), size_t{0});
    const auto find = [&root](size_t c) {
      while (root[c] != c) c = root[c] = root[root[c]];
      return c;
    };
    for (size_t s = 0; s < sources_.size(); ++s) {
      std::map<int64_t, size_t> first;  // by group of the source: its first class
      for (int64_t c = 0; c < sources_[s]->classes(); ++c) {
        const size_t global = labels_[s][static_cast<size_t>(c)];
        root[find(global)] = find(first.emplace(sources_[s]->group(c), global).first->second);
      }
    }
    std::map<size_t, int64_t> dense;
    for (size_t c = 0; c < names_.size(); ++c)
      groups_.push_back(dense.emplace(find(c), static_cast<int64_t>(dense.size())).first->second);
  }

  std::vector<std::shared_ptr<const ImageDataset>> sources_;
  std::vector<double> weights_;
  LeftOut left_out_;  // of all sources together
  std::vector<int64_t> begins_;
  int64_t size_ = 0;
  std::vector<std::string> names_;
  std::vector<int64_t> groups_;
  std::vector<std::vector<uint32_t>> labels_;  // of each source's classes
};

}  // namespace

std::shared_ptr<const ImageDataset> mixed_images(std::vector<std::shared_ptr<const ImageDataset>> sources,
                                                 std::vector<double> weights, LeftOut left_out) {
  double sum = 0.0;
  for (const double weight : weights) sum += weight;
  if (!weights.empty() && (weights.size() != sources.size() || !(sum > 0) ||
                           *std::min_element(weights.begin(), weights.end()) < 0))
    throw ConfigError("mixture: expected a weight of at least 0 for each of the " +
                      std::to_string(sources.size()) + " sources, not all 0, got " +
                      std::to_string(weights.size()) + " that sum to " + std::to_string(sum));
  return std::make_shared<MixedImages>(std::move(sources), std::move(weights), std::move(left_out));
}

}  // namespace lodestone::sampler
