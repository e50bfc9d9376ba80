#pragma once

#include <map>
#include <string>

#include "sampler/sources/data_part.h"
#include "sampler/sources/tuples.h"

namespace lodestone::sampler {

/// Which images of a list of tuples are in a part of it.
/// Classes   an image's class is the folder that it lies in, and the list's folder has class folders, whose
///           numbers decide (class_numbers)
/// Samples   the number of the image's path decides
class TuplePart {
 public:
  /// Throws    DataError if the list's folder has no class folders, which a part of classes needs
  TuplePart(const std::string& list, const DataPart& part);

  bool is_whole() const { return part_.is_whole(); }
  /// Whether `path`, as the list has it, lies in a class folder, so that its part is known.
  bool knows(const std::string& path) const;
  /// Requires  knows(path)
  bool has(const std::string& path) const;

 private:
  DataPart part_;
  std::map<std::string, double> numbers_;  // by class
};

/// The tuples whose images are all in the part, and these images: one with images of two parts is in neither.
/// Errors    as those of all tuples; an image whose part is not known is a bad line
TupleSet read_tuples(const std::string& path, const DecodeOptions& decode, const IndexCache& index_cache,
                     const BadRecordConfig& bad_records, const DataPart& part);

}  // namespace lodestone::sampler
