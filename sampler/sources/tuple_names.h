#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "sampler/dataset.h"

namespace lodestone::sampler {

/// The names that a list of tuples gives to the images of a data set, as read_tuples reads them: relative to
/// the list's folder, "a/b.png", or "a.tar!b.png" for a member of a shard.
/// Threads   const methods are safe concurrently.
class TupleNames {
 public:
  /// `source` is what ImageSourceConfig::path names; `list` is the file that will hold the names. `who`
  /// begins messages: "mine". `images` must outlive the names.
  /// Throws    ConfigError unless `list` is named *.tsv
  TupleNames(const Dataset& images, const std::string& source, const std::filesystem::path& list,
             std::string who);

  /// Throws    ConfigError if image i is in no file or shard below the list's folder, DataError if its name
  ///           can be no column (is_tuple_column)
  std::string operator()(int64_t i) const;

 private:
  const Dataset& images_;
  std::filesystem::path folder_, source_;
  std::string who_;
};

}  // namespace lodestone::sampler
