#pragma once

#include "sampler/samplers/index_sampler.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/precision.h"

namespace lodestone::engine {

/// A forward pass of an encoder in this precision (as in Autocast); returns embeddings of at least float32.
/// It seeds LibTorch's generator, which foreign modules draw from, by the mode's seed, step and first row: a
/// second pass over the same rows in the same step, also in a resumed run, draws the same numbers.
at::Tensor forward_pass(encoders::Encoder& encoder, const Features& x, const encoders::ForwardMode& mode,
                        Precision precision);

/// `mode` for the rows of a share of the global batch: the random numbers of a row depend on its index there.
encoders::ForwardMode mode_for_share(const encoders::ForwardMode& mode, sampler::Range share);

}  // namespace lodestone::engine
