#pragma once

#include <cstdint>
#include <string>

#include "sampler/dataset.h"

namespace lodestone {

/// A Dataset whose samples are texts. A sample's id is a hash of the text, so the same text is the same sample wherever it
/// stands, and never its own negative.
class TextDataset : public Dataset {
 public:
  /// Reads sample i: UTF-8. Throws DataError naming file and line if it cannot be read, or has changed since it was indexed.
  virtual std::string get(int64_t i) const = 0;
  /// How long the text is, in bytes; 65535 for longer ones. Without reading it.
  virtual int64_t bytes(int64_t i) const = 0;
};

}  // namespace lodestone
