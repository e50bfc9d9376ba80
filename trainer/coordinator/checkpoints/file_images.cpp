#include "trainer/coordinator/checkpoints/file_images.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "common/parallel.h"

namespace lodestone::coordinator {

namespace {

constexpr uint64_t kPiece = uint64_t{4} << 20;

struct Piece {
  char* to;
  const char* from;
  uint64_t bytes;
};

void cut(const at::Tensor& from, char* to, std::vector<Piece>& pieces) {
  const auto* bytes = static_cast<const char*>(from.const_data_ptr());
  for (uint64_t first = 0; first < from.nbytes(); first += kPiece)
    pieces.push_back({to + first, bytes + first, std::min(kPiece, from.nbytes() - first)});
}

// Threads take pieces dynamically, so that a thread without a processor delays only its own piece. copy_
// gives each thread an equal share of every tensor and waits for all threads after each tensor, which takes
// several times as long while other programs run.
void copy(const std::vector<Piece>& pieces) {
  std::atomic<size_t> next{0};
  parallel_ranges(at::get_num_threads(), 1, [&](int64_t, int64_t) {
    for (size_t i = next++; i < pieces.size(); i = next++)
      std::memcpy(pieces[i].to, pieces[i].from, pieces[i].bytes);
  });
}

}  // namespace

std::string_view FileImages::Image::bytes() const {
  return {static_cast<const char*>(buffer.const_data_ptr()), plan.bytes};
}

void FileImages::fill(const TensorGroups& groups) {
  at::NoGradGuard no_grad;
  std::map<std::string, Image> filled;
  std::vector<Piece> pieces;
  std::optional<c10::Device> device;
  for (const auto& [group, tensors] : groups) {
    Image image{plan_safetensors(tensors), {}};
    for (const auto& place : image.plan.places)
      if (place.tensor.is_cuda()) device = place.tensor.device();
    const auto before = images_.find(group);
    if (before != images_.end() && before->second.buffer.numel() >= static_cast<int64_t>(image.plan.bytes))
      image.buffer = before->second.buffer;
    else
      image.buffer = at::empty({static_cast<int64_t>(image.plan.bytes)},
                               at::TensorOptions().dtype(at::kByte).pinned_memory(device.has_value()));
    char* bytes = static_cast<char*>(image.buffer.mutable_data_ptr());
    std::memcpy(bytes, image.plan.head.data(), image.plan.head.size());
    for (const auto& place : image.plan.places) {
      if (place.tensor.is_cpu() && place.tensor.is_contiguous())
        cut(place.tensor, bytes + place.offset, pieces);
      else if (place.bytes > 0)
        at::from_blob(bytes + place.offset, place.tensor.sizes(), place.tensor.options().device(at::kCPU))
            .copy_(place.tensor, /*non_blocking=*/place.tensor.is_cuda());
    }
    filled[group] = std::move(image);
  }
  copy(pieces);
  if (device) c10::impl::VirtualGuardImpl(device->type()).getStream(*device).synchronize();
  for (auto& [group, image] : filled)
    for (auto& place : image.plan.places) place.tensor.reset();
  images_ = std::move(filled);
}

}  // namespace lodestone::coordinator
