#pragma once

#include <cstdint>

#include "sampler/dataset.h"
#include "trainer/coordinator/metrics/live_state.h"

namespace lodestone {

/// A sample as the live page shows it: a picture of at most 96 pixels a side, or the first 300 bytes of a text, with the
/// name of its class. A sample that can't be read says so in its label.
/// Cost      reads and decodes the sample
LiveSample view_sample(const Dataset& data, int64_t index);

/// What the live page shows of one rank's rows of a step: at most 256 of them, spread evenly, in the plane, and the six
/// hardest triplets among them. `groups` decide what is of one kind.
/// Shapes    z_bD; groups, indices: b     Cost  see embedding_view.h, and 18 samples read
LiveEmbeddings view_embeddings(const Dataset& data, int64_t step, const at::Tensor& z_bD,
                               const std::vector<int64_t>& groups, const std::vector<int64_t>& indices);

}  // namespace lodestone
