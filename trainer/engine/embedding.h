#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"
#include "sampler/loader.h"
#include "trainer/encoders/encoder.h"

namespace lodestone::engine {

/// The embeddings of a data set, in the data set's order, without the samples that could not be read.
struct Embedded {
  at::Tensor z_ND;                      ///< float32, on the CPU
  at::Tensor x_NCHW;                    ///< the images, if keep_images
  std::vector<int64_t> labels;          ///< N: classes
  std::vector<int64_t> groups;          ///< N: look-alike groups
  std::vector<int64_t> indices;         ///< N: indices into the data set
  int64_t left_out = 0;                 ///< samples that could not be read, under on_bad_record: skip
  std::vector<sampler::BadRecord> bad;  ///< the records that this rank could not read
};

/// Embeds a whole data set. The batches are the same for any number of ranks; each rank takes a contiguous
/// range of them.
/// Ranks     collective; every rank gets all rows
/// Cost      all-gathers of N·D floats, of 3 integers per row, and of the images if they are kept
Embedded embed(const distributed::Group& group, encoders::Encoder& encoder, c10::Device device,
               const std::shared_ptr<const sampler::Examples>& examples, const sampler::LoaderConfig& loader,
               bool keep_images = false);

}  // namespace lodestone::engine
