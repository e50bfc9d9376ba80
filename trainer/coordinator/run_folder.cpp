#include "trainer/coordinator/run_folder.h"

#include "common/files.h"

namespace lodestone {

std::string RunFolder::name() const {
  const auto absolute = std::filesystem::absolute(root_).lexically_normal();
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

void RunFolder::prepare(std::string_view config_yaml) const {
  make_folders(checkpoints());
  write_file_atomic(config(), config_yaml);
}

}  // namespace lodestone
