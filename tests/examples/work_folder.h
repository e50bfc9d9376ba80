#pragma once

#include <filesystem>
#include <string>

#include "common/files.h"
#include "support/images.h"

namespace lodestone::testing {

/// The working folder of an example, which names its files by relative paths: a new folder, until it goes out
/// of scope.
class WorkFolder {
 public:
  WorkFolder() { std::filesystem::current_path(temp_.path()); }
  ~WorkFolder() { std::filesystem::current_path(before_); }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

 private:
  TempFolder temp_;
  std::filesystem::path before_ = std::filesystem::current_path();
};

/// Makes the folder `photos` with 16 classes of 4 greyscale images of 12 × 10 pixels.
inline void draw_photos() {
  for (int64_t label = 0; label < 16; ++label)
    for (int64_t sample = 0; sample < 4; ++sample) {
      const std::filesystem::path folder = std::filesystem::path("photos") / std::to_string(label);
      std::filesystem::create_directories(folder);
      write_png(folder / (std::to_string(sample) + ".png"), drawn_image(label, sample));
    }
}

}  // namespace lodestone::testing
