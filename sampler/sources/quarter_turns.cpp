#include "sampler/sources/quarter_turns.h"

#include "common/error.h"

namespace lodestone::sampler {

namespace {

class QuarterTurns : public ImageDataset {
 public:
  explicit QuarterTurns(std::shared_ptr<const ImageDataset> dataset) : base_(std::move(dataset)) {}

  int64_t size() const override { return 4 * base_->size(); }
  int64_t label(int64_t i) const override { return 4 * base_->label(i / 4) + i % 4; }
  uint64_t id(int64_t i) const override { return i % 4 == 0 ? base_->id(i / 4) : sample_id(key(i)); }
  std::string key(int64_t i) const override { return base_->key(i / 4) + suffix(i % 4); }
  int64_t classes() const override { return 4 * base_->classes(); }
  std::string class_name(int64_t c) const override { return base_->class_name(c / 4) + suffix(c % 4); }
  int64_t group(int64_t c) const override { return 4 * base_->group(c / 4) + c % 4; }
  bool is_query(int64_t i) const override { return base_->is_query(i / 4); }
  bool is_gallery(int64_t i) const override { return base_->is_gallery(i / 4); }
  std::vector<Source> sources() const override {
    std::vector<Source> all = base_->sources();
    for (Source& source : all) source.begin *= 4;
    return all;
  }
  LeftOut left_out() const override { return base_->left_out(); }
  Image get(int64_t i) const override { return turned(base_->get(i / 4), static_cast<int>(i % 4)); }

 private:
  static const char* suffix(int64_t turns) {
    constexpr const char* kSuffixes[] = {"", "@90", "@180", "@270"};
    return kSuffixes[turns];
  }

  std::shared_ptr<const ImageDataset> base_;
};

}  // namespace

std::shared_ptr<const ImageDataset> quarter_turns(std::shared_ptr<const ImageDataset> dataset) {
  return std::make_shared<QuarterTurns>(std::move(dataset));
}

Image turned(const Image& image, int turns) {
  turns = ((turns % 4) + 4) % 4;
  if (turns == 0) return image;
  const bool upright = turns == 2;
  Image out(upright ? image.width : image.height, upright ? image.height : image.width, image.channels);
  const int right = image.width - 1;
  const int bottom = image.height - 1;
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < out.channels; ++c)
        out.at(x, y, c) = turns == 1   ? image.at(y, bottom - x, c)
                          : turns == 2 ? image.at(right - x, bottom - y, c)
                                       : image.at(right - y, x, c);
  return out;
}

}  // namespace lodestone::sampler
