#include "trainer/run/data_kind.h"

namespace lodestone::run {

std::unique_ptr<DataKind> make_images();
std::unique_ptr<DataKind> make_texts();
std::unique_ptr<DataKind> make_image_texts();

std::span<const TableRow<DataKind>> data_kind_table() {
  static constexpr TableRow<DataKind> kRows[] = {
      {"images", "images of classes, or explicit pairs and triplets", make_images},
      {"texts", "texts of classes, or rows of texts that belong together", make_texts},
      {"image_texts", "images with captions, for two towers", make_image_texts},
  };
  return kRows;
}

}  // namespace lodestone::run
