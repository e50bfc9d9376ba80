#include "fuzz/input.h"
#include "trainer/coordinator/checkpoints/manifest.h"

/// Any bytes become a manifest that says the same when it is written again, or a typed error. A checksum that
/// fits is put in front, since no other input would come past it; the bytes as they are, too, must do no
/// harm.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  using namespace lodestone::coordinator;
  const std::string_view rest = fuzz::text(data, size);
  fuzz::refusing([&] { parse_manifest(rest, "MANIFEST.json"); });
  fuzz::refusing([&] {
    const std::string text = "{\n  \"checksum\": \"" + checksum(rest) + "\",\n" + std::string(rest);
    const Manifest manifest = parse_manifest(text, "MANIFEST.json");
    for (const auto& [file, described] : manifest.files)
      if (file.empty() || file == ".." || file.find('/') != std::string::npos) std::abort();
    const std::string again = render_manifest(manifest);
    if (render_manifest(parse_manifest(again, "MANIFEST.json")) != again) std::abort();
  });
  return 0;
}
