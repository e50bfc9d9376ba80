#pragma once

#include <cstdint>
#include <string>

#include "sampler/dataset.h"

namespace lodestone::sampler {

/// A Dataset whose samples are texts. A sample's id is a hash of the text: equal texts have equal ids
/// wherever they occur, and are never negatives of each other.
class TextDataset : public Dataset {
 public:
  /// Reads sample i, in UTF-8. Throws DataError naming file and line if it cannot be read or has changed
  /// since it was indexed.
  virtual std::string get(int64_t i) const = 0;
  /// The text's length in bytes, 65535 if it is longer. Does not read the text.
  virtual int64_t bytes(int64_t i) const = 0;
};

}  // namespace lodestone::sampler
