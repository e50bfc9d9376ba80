#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/serve/batcher.h"
#include "trainer/serve/byte_budget.h"
#include "trainer/serve/image_reader.h"
#include "trainer/serve/request.h"
#include "trainer/serve/served_model.h"

namespace lodestone::serve {

/// Decodes and embeds the inputs of requests, within limits on memory and time that all requests share.
/// Requires  `batcher` outlives the object
/// Threads   safe concurrently
class InputEmbedder {
 public:
  /// A request is answered or refused within about `patience`: it waits no longer for memory and the batcher,
  /// and starts to decode no image after that.
  InputEmbedder(Batcher& batcher, std::chrono::milliseconds patience, const ImageLimits& limits)
      : batcher_(batcher), patience_(patience), memory_(limits.decoded_bytes) {}

  /// Decodes the inputs, and calls `done` once with a row per input, in their order, when they are embedded.
  /// Throws    DataError if the model does not read an input; OverloadError; without calling `done`
  void begin(const std::shared_ptr<const ServedState>& state, const ServeRequest& request,
             Batcher::Done done);
  /// The same if it neither waits nor takes long: false if it would, and nothing was done.
  bool try_begin(const std::shared_ptr<const ServedState>& state, const ServeRequest& request,
                 Batcher::Done done);
  /// The same as begin, and waits.
  /// Shapes    returns z_nD
  /// Throws    DataError if the model does not read an input; OverloadError
  at::Tensor embed(const ServedState& state, const ServeRequest& request);
  /// The same with a small image file of each image, "" of each text. Each image is decoded once.
  std::pair<at::Tensor, std::vector<std::string>> embed_shown(const ServedState& state,
                                                              const ServeRequest& request);
  /// The same of any number of texts or token ids, piece by piece.
  /// Throws    OverloadError
  at::Tensor embed(const ServedState& state, std::vector<Sample> texts);

  /// Largest memory reserved for images at the same time.
  int64_t peak_bytes() const { return memory_.peak(); }

 private:
  using Deadline = Batcher::Deadline;
  /// Inputs that are decoded, with the memory that they keep.
  struct Decoded {
    std::vector<Sample> samples;
    std::vector<std::string> thumbnails;              ///< one per sample if they were asked for
    std::shared_ptr<const ByteBudget::Lease> memory;  ///< null: no images
  };

  using Memory = std::shared_ptr<ByteBudget::Lease>;
  Memory take_memory(const ServedState& state, const ServeRequest& request, Deadline deadline);
  Decoded decode(const ServedState& state, const ServeRequest& request, const Memory& memory,
                 Deadline deadline, bool thumbnails = false) const;
  void submit(const ServedState& state, Decoded decoded, Deadline deadline, Batcher::Done done);
  at::Tensor embed(const ServedState& state, Decoded& decoded, Deadline deadline);

  Batcher& batcher_;
  const std::chrono::milliseconds patience_;
  ByteBudget memory_;
};

}  // namespace lodestone::serve
