#pragma once

#include <string>

#include "sampler/samplers/index_sampler.h"
#include "trainer/encoders/encoder.h"

namespace lodestone {

/// A training pass of an encoder in this precision (as in Autocast); embeddings come in float32 at least. LibTorch's generator, which
/// modules made elsewhere draw from, is set from the pass's seed, step and first row: so their numbers too are those of any other
/// pass over the same rows in the same step, be it a second one or one of a resumed run.
at::Tensor forward_pass(Encoder& encoder, const Features& x, const ForwardMode& mode,
                        const std::string& precision);

/// `mode` for the rows of a share of the global batch: what is drawn for a row depends on its place there.
ForwardMode mode_for_share(const ForwardMode& mode, Range share);

}  // namespace lodestone
