#include "common/yaml.h"
#include "fuzz/input.h"
#include "support/yaml_structs.h"

/// Each line is what stands behind a `--set`. All together they are a configuration, whose own YAML is read
/// back, or a ConfigError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  Settings settings;
  std::string written;
  fuzz::refusing([&] {
    const ConfigNodePtr root = parse_yaml("{}", "run.yaml");
    std::string_view text = fuzz::text(data, size);
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      apply_set(root, std::string(line));
      text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    read_fields(root, [&](Fields& f) { settings.visit(f); });
    written = write_yaml([&](Fields& f) { settings.visit(f); });
  });
  if (written.empty()) return 0;
  Settings again;
  read_fields(parse_yaml(written, "written"), [&](Fields& f) { again.visit(f); });
  if (write_yaml([&](Fields& f) { again.visit(f); }) != written) std::abort();
  return 0;
}
