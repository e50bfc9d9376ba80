#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/group.h"
#include "sampler/loader.h"
#include "trainer/encoders/encoder.h"

namespace lodestone {

/// A data set as seen by an encoder, rows in the data set's order: all of it, but for what could not be read.
struct Embedded {
  at::Tensor z_ND;               ///< float32, on the CPU
  at::Tensor x_NCHW;             ///< the pictures themselves, if they were asked for
  std::vector<int64_t> labels;   ///< N: classes
  std::vector<int64_t> groups;   ///< N: what looks the same
  std::vector<int64_t> indices;  ///< N: samples of the data set
  int64_t left_out = 0;          ///< samples that could not be read, under on_bad_record: skip
  std::vector<BadRecord> bad;    ///< those that this rank met
};

/// Embeds a whole data set, each rank its contiguous share of the batches, which are the same for any number of ranks.
/// Ranks     collective; every rank gets all rows. Cost: one all-gather of N·D floats (and of the pictures, if kept)
Embedded embed(const Group& group, Encoder& encoder, c10::Device device,
               const std::shared_ptr<const Examples>& examples, const LoaderConfig& loader,
               bool keep_pictures = false);

}  // namespace lodestone
