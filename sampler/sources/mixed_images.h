#pragma once

#include <memory>
#include <vector>

#include "sampler/dataset.h"

namespace lodestone::sampler {

/// Several data sets as one. Classes of the same name are one class; classes are sorted by name. Look-alikes
/// remain look-alikes: a class that sources put into different groups joins these groups.
/// Id        the first source keeps its ids; the others' are mixed with the source's number, since equal
///           names in different sources are different images.
/// Cost      memory 4 bytes per class and source.
/// Ensures   sources() has the beginning of each; left_out() has `left_out` and that of every source.
/// Requires  at least one source.
/// Throws    ConfigError if there are weights but not one per source, or one is negative, or all are 0.
std::shared_ptr<const ImageDataset> mixed_images(std::vector<std::shared_ptr<const ImageDataset>> sources,
                                                 std::vector<double> weights = {}, LeftOut left_out = {});

}  // namespace lodestone::sampler
