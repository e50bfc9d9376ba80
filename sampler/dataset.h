#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/image.h"
#include "sampler/left_out.h"

namespace lodestone {

/// A run of samples that came from one place.
struct Source {
  int64_t begin = 0;
  double weight =
      0.0;  ///< how often rows are to be drawn from it, in proportion; 0 for all: every sample alike
};

/// What is known of every sample without reading it: enough for an index sampler. Indices run over [0,
/// size()). Class indices are dense, [0, classes()), in the order of the class names. Group     classes that
/// look identical (Latin A, Greek Alpha) share a group; they are neither negatives of each other
///           nor errors. A class without look-alikes is alone in its group. Group indices are dense.
/// Id        stable over runs, hosts and orders: samples with one id are one picture, which is never its own
/// negative. Cost      every method here is O(1) and touches memory only Threads   const methods are safe
/// concurrently
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual int64_t label(int64_t i) const = 0;
  virtual uint64_t id(int64_t i) const = 0;
  /// Where sample i lies, for people: "class/file.png" or "shard.tar!member".
  virtual std::string key(int64_t i) const = 0;
  virtual int64_t classes() const = 0;
  virtual std::string class_name(int64_t c) const = 0;
  virtual int64_t group(int64_t c) const = 0;
  /// Whether sample i asks, and whether it may be found, when retrieval is judged. A sample may be both.
  virtual bool is_query(int64_t) const { return true; }
  virtual bool is_gallery(int64_t) const { return true; }
  /// The sources that a mixture is made of, in order, the first at 0.
  virtual std::vector<Source> sources() const { return {{0, 0.0}}; }
  /// What was passed over while the data set was opened.
  virtual LeftOut left_out() const { return {}; }
};

/// A Dataset whose samples are pictures.
class ImageDataset : public Dataset {
 public:
  /// Reads and decodes sample i. Throws DataError naming file or shard, key and offset if it is damaged.
  virtual Image get(int64_t i) const = 0;
};

/// XXH3 (64 bit) of a sample's key.
uint64_t sample_id(std::string_view key);

}  // namespace lodestone
