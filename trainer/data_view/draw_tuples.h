#pragma once

#include <cstdint>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/tuple.h"

namespace lodestone::data_view {

/// Which explicit tuples are drawn.
struct TupleOptions {
  int64_t count = 0;      ///< at most this many
  bool triplets = false;  ///< (anchor, positive, negative) in place of pairs
  uint64_t seed = 0;
};

/// Tuples of samples, and what could not be used for them.
struct DrawnTuples {
  std::vector<sampler::Tuple> tuples;
  int64_t repeated = 0;   ///< samples with the id of another one of their class
  int64_t ambiguous = 0;  ///< samples whose id occurs in classes of different groups
  int64_t lone = 0;       ///< classes of one usable sample, from which no positive pair can be drawn
};

/// Draws explicit pairs, half of them of one class and half not, in turns; or triplets.
/// Balance   every class gives equally many positive pairs, or all it has; each of their anchors gets one
///           negative, of a class drawn uniformly.
/// Ensures   no pair of samples occurs twice, in either order; a negative is of another group; equal ids are
///           never paired. Fewer than `count` are returned if the data have no more.
/// Random    a function of seed, class names and ids: the order of the samples in the data set has no effect.
/// Cost      O(samples log samples + count); memory 40 bytes per sample and 100 per tuple
/// Throws    DataError if no class has two samples, or all classes are of one group
DrawnTuples draw_tuples(const sampler::Dataset& dataset, const TupleOptions& options);

}  // namespace lodestone::data_view
