#pragma once

#include <cstdint>

#include "sampler/examples.h"
#include "trainer/coordinator/metrics/live_state.h"

namespace lodestone::coordinator {

/// A sample as the live page shows it: an image of at most 96 pixels a side, or the first 300 bytes of a
/// text, with the name of its class. If the sample cannot be read, its label says so.
/// Cost      reads and decodes the sample
LiveSample view_sample(const sampler::Examples& examples, int64_t index);

/// What the live page shows of one rank's rows of a step: at most 256 rows, evenly spaced, projected to the
/// plane, and the six hardest triplets among them. Rows of the same entry of `groups` are positives.
/// Shapes    z_bD; groups, indices: b
/// Cost      see embedding_view.h, and 18 samples are read
LiveEmbeddings view_embeddings(const sampler::Examples& examples, int64_t step, const at::Tensor& z_bD,
                               const std::vector<int64_t>& groups, const std::vector<int64_t>& indices);

}  // namespace lodestone::coordinator
