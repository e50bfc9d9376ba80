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
                                             Deadline deadline) {
  check_kinds(state, request);
  const std::shared_ptr<ByteBudget::Lease> memory = take_memory(state, request, deadline);
  std::vector<Sample> samples;
  int64_t kept = 0;
  for (const RequestInput& input : request.inputs) {
    if (!input.image) {
      samples.emplace_back(input.bytes);
      continue;
    }
    check_time(deadline, samples.size());
    samples.emplace_back(state.images->read(input.bytes, place_of(samples.size())));
    kept += state.images->kept_bytes();
  }
  if (memory) memory->keep(kept);
  return {std::move(samples), memory};
}

void InputEmbedder::begin(const std::shared_ptr<const ServedState>& state, const ServeRequest& request,
                          Batcher::Done done) {
  const auto deadline = Clock::now() + patience_;
  Decoded decoded = decode(*state, request, deadline);
  batcher_.submit(state->model->embed, std::move(decoded.samples), deadline,
                  [done = std::move(done), memory = std::move(decoded.memory)](
                      const at::Tensor& z_nD, const std::exception_ptr& error) { done(z_nD, error); });
}

at::Tensor InputEmbedder::embed(const ServedState& state, const ServeRequest& request) {
  const auto deadline = Clock::now() + patience_;
  Decoded decoded = decode(state, request, deadline);
  return batcher_.embed(state.model->embed, std::move(decoded.samples),
                        std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()));
}

std::vector<std::string> InputEmbedder::thumbnails(const ServedState& state, const ServeRequest& request) {
  const auto deadline = Clock::now() + patience_;
  const auto memory = take_memory(state, request, deadline);
  std::vector<std::string> all;
  for (const RequestInput& input : request.inputs) {
    if (input.image) check_time(deadline, all.size());
    all.push_back(input.image ? state.images->thumbnail(input.bytes, place_of(all.size())) : "");
  }
  return all;
}

}  // namespace lodestone::serve
