#include "trainer/serve/input_embedder.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <utility>

#include <ATen/ops/cat.h>

#include "common/error.h"

namespace lodestone::serve {

namespace {

using Clock = std::chrono::steady_clock;

void check_kinds(const ServedState& state, const ServeRequest& request) {
  for (const RequestInput& input : request.inputs)
    if (input.image ? !state.images : !state.model->texts)
      throw DataError(std::string("request: expected ") + (state.images ? "images" : "texts") + ", got " +
                      (input.image ? "images" : "texts") + ", which this model does not read");
}

std::string place_of(size_t index) {
  return "images[" + std::to_string(index) + "]";
}

std::vector<std::string_view> images_of(const ServeRequest& request) {
  std::vector<std::string_view> images;
  for (const RequestInput& input : request.inputs)
    if (input.image) images.push_back(input.bytes);
  return images;
}

int64_t bytes_for(const ServedState& state, const std::vector<std::string_view>& images) {
  const int64_t kept = static_cast<int64_t>(images.size()) * state.images->kept_bytes();
  return kept + state.images->decoding_bytes(images);
}

void check_time(Clock::time_point deadline, size_t done) {
  if (Clock::now() >= deadline)
    throw OverloadError("serve: " + std::to_string(done) + " of its images were decoded in time; send fewer");
}

}  // namespace

InputEmbedder::Memory InputEmbedder::take_memory(const ServedState& state, const ServeRequest& request,
                                                 Deadline deadline) {
  const std::vector<std::string_view> images = images_of(request);
  if (images.empty()) return nullptr;
  return std::make_shared<ByteBudget::Lease>(memory_.take(bytes_for(state, images), deadline));
}

InputEmbedder::Decoded InputEmbedder::decode(const ServedState& state, const ServeRequest& request,
                                             const Memory& memory, Deadline deadline, bool thumbnails) const {
  Decoded decoded{{}, {}, memory};
  std::vector<Sample>& samples = decoded.samples;
  if (thumbnails) decoded.thumbnails.resize(request.inputs.size());
  int64_t kept = 0;
  for (const RequestInput& input : request.inputs) {
    if (!input.image) {
      samples.emplace_back(input.bytes);
      continue;
    }
    check_time(deadline, samples.size());
    samples.emplace_back(state.images->read(input.bytes, place_of(samples.size()),
                                            thumbnails ? &decoded.thumbnails[samples.size()] : nullptr));
    kept += state.images->kept_bytes();
  }
  if (memory) memory->keep(kept);
  return decoded;
}

void InputEmbedder::begin(const std::shared_ptr<const ServedState>& state, const ServeRequest& request,
                          Batcher::Done done) {
  const auto deadline = Clock::now() + patience_;
  check_kinds(*state, request);
  submit(*state, decode(*state, request, take_memory(*state, request, deadline), deadline), deadline,
         std::move(done));
}

bool InputEmbedder::try_begin(const std::shared_ptr<const ServedState>& state, const ServeRequest& request,
                              Batcher::Done done) {
  check_kinds(*state, request);
  Memory memory;
  if (const auto images = images_of(request); !images.empty()) {
    if (!state->images->quick(images)) return false;
    auto lease = memory_.try_take(bytes_for(*state, images));
    if (!lease) return false;
    memory = std::make_shared<ByteBudget::Lease>(std::move(*lease));
  }
  const auto deadline = Clock::now() + patience_;
  submit(*state, decode(*state, request, memory, deadline), deadline, std::move(done));
  return true;
}

void InputEmbedder::submit(const ServedState& state, Decoded decoded, Deadline deadline, Batcher::Done done) {
  batcher_.submit(state.model->embed, std::move(decoded.samples), deadline,
                  [done = std::move(done), memory = std::move(decoded.memory)](
                      const at::Tensor& z_nD, const std::exception_ptr& error) { done(z_nD, error); });
}

at::Tensor InputEmbedder::embed(const ServedState& state, Decoded& decoded, Deadline deadline) {
  return batcher_.embed(state.model->embed, std::move(decoded.samples),
                        std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()));
}

at::Tensor InputEmbedder::embed(const ServedState& state, std::vector<Sample> texts) {
  const auto deadline = Clock::now() + patience_;
  const auto piece = static_cast<std::ptrdiff_t>(RequestLimits().rows);
  std::vector<at::Tensor> parts;
  for (auto next = std::make_move_iterator(texts.begin()), end = std::make_move_iterator(texts.end());
       next != end;) {
    const auto after = next + std::min(piece, end - next);
    parts.push_back(batcher_.embed(state.model->embed, std::vector<Sample>(next, after),
                                   std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now())));
    next = after;
  }
  return at::cat(parts);
}

at::Tensor InputEmbedder::embed(const ServedState& state, const ServeRequest& request) {
  const auto deadline = Clock::now() + patience_;
  check_kinds(state, request);
  Decoded decoded = decode(state, request, take_memory(state, request, deadline), deadline);
  return embed(state, decoded, deadline);
}

std::pair<at::Tensor, std::vector<std::string>> InputEmbedder::embed_shown(const ServedState& state,
                                                                           const ServeRequest& request) {
  const auto deadline = Clock::now() + patience_;
  check_kinds(state, request);
  Decoded decoded =
      decode(state, request, take_memory(state, request, deadline), deadline, /*thumbnails=*/true);
  at::Tensor z_nD = embed(state, decoded, deadline);
  return {std::move(z_nD), std::move(decoded.thumbnails)};
}

}  // namespace lodestone::serve
