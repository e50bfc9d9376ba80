// A manifest of many tensors, as a large model or somebody unkind has it.
#include <string>

#include <gtest/gtest.h>

#include "common/files.h"
#include "support/growth.h"
#include "trainer/coordinator/checkpoints/manifest.h"

namespace lodestone {
using namespace coordinator;
namespace {

std::string manifest_of(size_t tensors) {
  Manifest manifest;
  manifest.files["model.safetensors"] = {1, "00", {}};
  for (size_t i = 0; i < tensors; ++i)
    manifest.files["model.safetensors"].tensors["t" + std::to_string(i)] = {i, 0, "00"};
  return render_manifest(manifest);
}

TEST(ManifestTakes, TwiceAsLongForTwiceAsManyTensors) {
  testing::expect_linear(manifest_of, [](const std::string& text) {
    EXPECT_EQ(parse_manifest(text, "MANIFEST.json").files.size(), 1U);
  });
}

TEST(ManifestTakes, TwiceAsLongForTwiceAsManyFiles) {
  testing::expect_linear(
      [](size_t n) {
        Manifest manifest;
        for (size_t i = 0; i < n; ++i) manifest.files[std::to_string(i)] = {1, "00", {}};
        return render_manifest(manifest);
      },
      [](const std::string& text) { parse_manifest(text, "MANIFEST.json"); });
}

}  // namespace
}  // namespace lodestone
