#include "trainer/encoders/two_tower.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/where.h>

namespace lodestone::encoders {

namespace {

// The towers, as their settings and the names of their parameters begin.
constexpr const char *kImage = "image", *kText = "text";

/// An image encoder and a text encoder whose embeddings share one space (Radford et al. 2021), each followed
/// by a linear projection without bias. Names begin with `image.` and `text.`; the projections are
/// `image.projection.weight` and `text.projection.weight`. Examples are images, texts or both mixed; z_bD is
/// in row order.
/// Ranks     in training both towers run on every rank, if need be on no rows: their synchronous batch norms
///           are collective
class TwoTower : public Encoder {
 public:
  explicit TwoTower(std::shared_ptr<const Towers> towers) : towers_(std::move(towers)) {}

  void visit_architecture(Fields& f) override {
    f.slot({.name = kImage, .doc = "the encoder of images"}, image_);
    f.slot({.name = kText, .doc = "the encoder of texts"}, text_);
    f.field({.name = "embedding",
             .doc = "width that both towers are projected to; 0: none, and the towers' widths are equal",
             .min = 0,
             .max = 65536},
            &embedding_);
  }

  std::vector<WeightsReport> load_initial_weights() override {
    std::vector<WeightsReport> all = Encoder::load_initial_weights();
    for (const auto* tower : {&image_, &text_})
      for (auto& report : (**tower).load_initial_weights()) all.push_back(std::move(report));
    return all;
  }

  std::vector<std::string> remarks(c10::Device device, bool training) const override {
    std::vector<std::string> all = image_->remarks(device, training);
    for (auto& sentence : text_->remarks(device, training)) all.push_back(std::move(sentence));
    return all;
  }
  std::map<std::string, std::string> code() const override {
    auto all = image_->code();
    all.merge(text_->code());
    return all;
  }
  std::map<std::string, std::string> programs() const override {
    auto all = image_->programs();
    all.merge(text_->programs());
    return all;
  }
  void pin_files(const std::map<std::string, std::string>& hash_of) override {
    image_->pin_files(hash_of);
    text_->pin_files(hash_of);
  }

  at::Tensor forward(const Features& x, const ForwardMode& mode) override {
    if (!x.is_text_b.defined() && !mode.training)
      return x.tokens_nT.defined() ? encode_texts(x, mode) : encode_images(x, mode);
    Features images, texts = x.tokens_nT.defined() ? x : no_texts(x.pixels_nCHW);
    images.pixels_nCHW = x.pixels_nCHW.defined() ? x.pixels_nCHW : no_images();
    const at::Tensor is_text_b =
        x.is_text_b.defined() ? x.is_text_b
                              : at::full({x.rows()}, x.tokens_nT.defined(), at::TensorOptions(at::kBool));
    const at::Tensor image_rows = is_text_b.logical_not().nonzero().squeeze(1),
                     text_rows = is_text_b.nonzero().squeeze(1);
    const at::Tensor z_image_nD = encode_images(images, mode.for_rows(image_rows));
    const at::Tensor z_text_nD = encode_texts(texts, mode.for_rows(text_rows));
    // The index of row r's embedding: images come first, then texts.
    const at::Tensor count_b = is_text_b.to(at::kLong).cumsum(0);
    const at::Tensor place_b =
        at::where(is_text_b, count_b - 1 + image_rows.size(0), (1 - is_text_b.to(at::kLong)).cumsum(0) - 1);
    return at::cat({z_image_nD, z_text_nD}).index_select(0, place_b.to(z_image_nD.device()));
  }

  int64_t output_dim() const override { return embedding_ > 0 ? embedding_ : image_->output_dim(); }
  Modality modality() const override { return Modality::kBoth; }
  bool can_recompute() const override { return image_->can_recompute() || text_->can_recompute(); }

  bool concurrent() const override { return image_->concurrent() && text_->concurrent(); }
  void hold_weights() override {
    image_->hold_weights();
    text_->hold_weights();
  }

 protected:
  void make(const InputShape& input, Parameters& parameters) override {
    if (input.channels < 1 || input.vocabulary < 1)
      throw ConfigError(std::string("two_tower: expected images and texts, got ") +
                        (input.channels < 1 ? "texts" : "images") + " alone; choose an encoder of those");
    shape_ = input;
    InputShape images = input, texts = input;
    images.vocabulary = images.max_tokens = 0;
    texts.channels = texts.height = texts.width = 0;
    image_->build(images, parameters.seed());
    // Another seed: two towers of one architecture would otherwise start as copies.
    text_->build(texts, ~parameters.seed());
    parameters.adopt(kImage, image_->parameters());
    parameters.adopt(kText, text_->parameters());
    if (embedding_ > 0) {
      const auto projection = [&](const char* tower, int64_t width) {
        parameters.set_tower(tower);
        return parameters.uniform(std::string(tower) + ".projection.weight", {embedding_, width});
      };
      image_projection_ = projection(kImage, image_->output_dim());
      text_projection_ = projection(kText, text_->output_dim());
      parameters.set_tower("");
    } else if (image_->output_dim() != text_->output_dim()) {
      throw ConfigError("two_tower: expected towers of one width without a projection, got " +
                        std::to_string(image_->output_dim()) + " and " + std::to_string(text_->output_dim()) +
                        "; set encoder.embedding to a common width");
    }
  }

 private:
  at::Tensor encode_images(const Features& x, const ForwardMode& mode) {
    const at::Tensor z_nD = image_->forward(x, mode);
    return embedding_ > 0 ? at::linear(z_nD, image_projection_) : z_nD;
  }
  at::Tensor encode_texts(const Features& x, const ForwardMode& mode) {
    const at::Tensor z_nD = text_->forward(x, mode);
    return embedding_ > 0 ? at::linear(z_nD, text_projection_) : z_nD;
  }
  at::Tensor no_images() {
    const at::Tensor& like = parameters().learned().front().tensor;
    return at::empty({0, shape_.channels, shape_.height, shape_.width}, like.options().requires_grad(false));
  }
  static Features no_texts(const at::Tensor& like) {
    Features x;
    x.tokens_nT = at::empty({0, 1}, like.options().dtype(at::kLong));
    x.mask_nT = x.tokens_nT.to(at::kBool);
    return x;
  }

  std::shared_ptr<const Towers> towers_;
  Slot<Encoder> image_{towers_->image, "resnet18"}, text_{towers_->text, "bert"};
  int64_t embedding_ = 256;
  InputShape shape_;
  at::Tensor image_projection_, text_projection_;
};

}  // namespace

std::unique_ptr<Encoder> make_two_tower(std::shared_ptr<const Towers> towers) {
  return std::make_unique<TwoTower>(std::move(towers));
}

}  // namespace lodestone::encoders
