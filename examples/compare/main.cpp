// Are these two images of the same thing?  compare MODEL.pt ONE.jpg OTHER.jpg
// MODEL.pt is what `lodestone export RUN --format torchscript` writes. The file also has the
// transforms that turn an image into its input.
#include <cstdio>
#include <exception>

#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/empty.h>
#include <lodestone/common/files.h>
#include <lodestone/common/yaml.h>
#include <lodestone/sampler/augment/transforms.h>
#include <lodestone/sampler/codecs/decode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

namespace {

struct Model {
  torch::jit::Module network;
  lodestone::sampler::ImageTransform transform;
};

Model load(const std::string& file) {
  torch::jit::ExtraFilesMap inside{{"data", ""}};
  torch::jit::Module network = torch::jit::load(file, at::kCPU, inside);
  lodestone::sampler::ImageTransformConfig config;
  if (const auto image = lodestone::parse_yaml(inside.at("data"), file)->find("image"))
    lodestone::read_fields(image, [&](lodestone::Fields& f) { config.visit(f); });
  return {std::move(network), lodestone::sampler::ImageTransform(config)};
}

at::Tensor embed(Model& model, const std::string& file) {
  const std::string bytes = lodestone::read_file(file);
  const auto image = lodestone::sampler::decode_image(std::as_bytes(std::span(bytes)),
                                                      model.transform.decode_options(), file);
  const auto& config = model.transform.config();
  at::Tensor pixels_1CHW = at::empty({1, config.channels, config.height, config.width});
  model.transform.plain(image,
                        {pixels_1CHW.mutable_data_ptr<float>(), static_cast<size_t>(pixels_1CHW.numel())});
  return model.network.forward({pixels_1CHW}).toTensor();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL.pt ONE.jpg OTHER.jpg\n", argv[0]);
    return 2;
  }
  Model model = load(argv[1]);
  const at::Tensor one = embed(model, argv[2]), other = embed(model, argv[3]);
  std::printf("cosine %.4f\n", at::cosine_similarity(one, other).item<double>());
} catch (const std::exception& error) {
  std::fprintf(stderr, "compare: %s\n", error.what());
  return 1;
}
