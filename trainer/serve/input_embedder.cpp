#include "trainer/serve/input_embedder.h"

#include <string_view>
#include <utility>

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

void check_time(Clock::time_point deadline, size_t done) {
  if (Clock::now() >= deadline)
    throw OverloadError("serve: " + std::to_string(done) + " of its images were decoded in time; send fewer");
}

}  // namespace

std::shared_ptr<ByteBudget::Lease> InputEmbedder::take_memory(const ServedState& state,
                                                              const ServeRequest& request,
                                                              Deadline deadline) {
  std::vector<std::string_view> images;
  for (const RequestInput& input : request.inputs)
    if (input.image) images.push_back(input.bytes);
  if (images.empty()) return nullptr;
  const int64_t kept = static_cast<int64_t>(images.size()) * state.images->kept_bytes();
  return std::make_shared<ByteBudget::Lease>(
      memory_.take(kept + state.images->decoding_bytes(images), deadline));
}

InputEmbedder::Decoded InputEmbedder::decode(const ServedState& state, const ServeRequest& request,
                                             Deadline deadline, bool thumbnails) {
  check_kinds(state, request);
  const std::shared_ptr<ByteBudget::Lease> memory = take_memory(state, request, deadline);
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
  Decoded decoded = decode(*state, request, deadline);
  batcher_.submit(state->model->embed, std::move(decoded.samples), deadline,
                  [done = std::move(done), memory = std::move(decoded.memory)](
                      const at::Tensor& z_nD, const std::exception_ptr& error) { done(z_nD, error); });
}

at::Tensor InputEmbedder::embed(const ServedState& state, Decoded& decoded, Deadline deadline) {
  return batcher_.embed(state.model->embed, std::move(decoded.samples),
                        std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()));
}

at::Tensor InputEmbedder::embed(const ServedState& state, const ServeRequest& request) {
  const auto deadline = Clock::now() + patience_;
  Decoded decoded = decode(state, request, deadline);
  return embed(state, decoded, deadline);
}

std::pair<at::Tensor, std::vector<std::string>> InputEmbedder::embed_shown(const ServedState& state,
                                                                           const ServeRequest& request) {
  const auto deadline = Clock::now() + patience_;
  Decoded decoded = decode(state, request, deadline, /*thumbnails=*/true);
  at::Tensor z_nD = embed(state, decoded, deadline);
  return {std::move(z_nD), std::move(decoded.thumbnails)};
}

}  // namespace lodestone::serve
