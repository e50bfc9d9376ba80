#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/image.h"
#include "sampler/left_out.h"

namespace lodestone::sampler {

/// One source of a mixture: its samples are [begin, the next source's begin).
struct Source {
  int64_t begin = 0;
  /// Relative rate at which rows are drawn from this source. 0 for all sources: every sample is equally
  /// likely.
  double weight = 0.0;
};

/// The samples of a data set, described without reading them: what an index sampler needs.
/// A sample has an index in [0, size()) and a label, its class. Classes are numbered [0, classes()) in the
/// order of their names.
/// Group     classes that look identical (Latin A, Greek Alpha) share a group: they are neither negatives of
///           each other nor counted as errors. A class without look-alikes is alone in its group. Groups are
///           numbered from 0 without gaps.
/// Id        identifies the content: equal ids mean the same image or text, which is never its own negative.
///           Stable over runs, hosts and orders.
/// Cost      every method is O(1) and reads no file.
/// Threads   const methods are safe concurrently.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual int64_t label(int64_t i) const = 0;
  virtual uint64_t id(int64_t i) const = 0;
  /// The sample's location, for people: "class/file.png" or "shard.tar!member".
  virtual std::string key(int64_t i) const = 0;
  virtual int64_t classes() const = 0;
  virtual std::string class_name(int64_t c) const = 0;
  virtual int64_t group(int64_t c) const = 0;
  /// Whether sample i is a query, and whether it is in the gallery, when retrieval is evaluated. It may be
  /// both.
  virtual bool is_query(int64_t) const { return true; }
  virtual bool is_gallery(int64_t) const { return true; }
  /// The sources of a mixture, in order; the first begins at 0. A data set that is no mixture has one.
  virtual std::vector<Source> sources() const { return {{0, 0.0}}; }
  /// What was left out when the data set was opened, and why.
  virtual LeftOut left_out() const { return {}; }
};

/// A Dataset whose samples are images.
class ImageDataset : public Dataset {
 public:
  /// Reads and decodes sample i. Throws DataError naming file or shard, key and offset if it is damaged.
  virtual Image get(int64_t i) const = 0;
};

/// Hashes a sample's key with XXH3 (64 bit).
uint64_t sample_id(std::string_view key);

}  // namespace lodestone::sampler
