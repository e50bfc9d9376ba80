#pragma once

#include <memory>
#include <vector>

#include "sampler/dataset.h"

namespace lodestone {

/// Several data sets, one after another, as one. Classes of one name are one class; their order is that of the names. Look-alikes
/// stay look-alikes, and a class that sources put into different groups joins these groups.
/// Id        the first source keeps its ids; those of the others are mixed with the source's number, since equal names in different
///           sources are different pictures
/// Cost      memory 4 bytes per class and source; sources() tells where each begins
/// Left out  `left_out`, of all sources together, beside what each of them left out
/// Requires  at least one source
/// Throws    ConfigError if there are weights, but not one for each source, or one is negative, or all are 0
std::shared_ptr<const ImageDataset> mixed_images(std::vector<std::shared_ptr<const ImageDataset>> sources,
                                                 std::vector<double> weights = {}, LeftOut left_out = {});

}  // namespace lodestone
