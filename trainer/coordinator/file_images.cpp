#include "trainer/coordinator/file_images.h"

#include <cstring>
#include <optional>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace lodestone {

std::string_view FileImages::Image::bytes() const {
  return {static_cast<const char*>(buffer.const_data_ptr()), plan.bytes};
}

void FileImages::fill(const std::map<std::string, TensorMap>& groups) {
  at::NoGradGuard no_grad;
  std::map<std::string, Image> filled;
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
    for (auto& place : image.plan.places) {
      if (place.bytes > 0)
        at::from_blob(bytes + place.offset, place.tensor.sizes(), place.tensor.options().device(at::kCPU))
            .copy_(place.tensor, /*non_blocking=*/place.tensor.is_cuda());
    }
    filled[group] = std::move(image);
  }
  if (device) c10::impl::VirtualGuardImpl(device->type()).getStream(*device).synchronize();
  for (auto& [group, image] : filled)
    for (auto& place : image.plan.places) place.tensor.reset();
  images_ = std::move(filled);
}

}  // namespace lodestone
