#include "common/yaml.h"
#include "fuzz/input.h"
#include "sampler/augment/transforms.h"
#include "sampler/samplers/sampler_config.h"
#include "sampler/sources/image_source.h"

namespace {

struct Config {
  lodestone::sampler::ImageSourceConfig train;
  lodestone::sampler::ImageTransformConfig image;
  lodestone::sampler::SamplerConfig sampler;

  void visit(lodestone::Fields& f) {
    f.nested({.name = "train"}, train);
    f.nested({.name = "image"}, image);
    f.nested({.name = "sampler"}, sampler);
  }
};

}  // namespace

/// Any text is a configuration, whose own YAML is read back, or a ConfigError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  Config config;
  std::string written;
  fuzz::refusing([&] {
    const ConfigNodePtr root = parse_yaml(std::string(fuzz::text(data, size)), "input");
    read_fields(root, [&](Fields& f) { config.visit(f); });
    written = write_yaml([&](Fields& f) { config.visit(f); });
  });
  if (written.empty()) return 0;
  Config again;
  read_fields(parse_yaml(written, "written"), [&](Fields& f) { again.visit(f); });
  if (write_yaml([&](Fields& f) { again.visit(f); }) != written) std::abort();
  return 0;
}
