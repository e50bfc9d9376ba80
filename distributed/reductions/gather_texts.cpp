#include "distributed/reductions/gather_texts.h"

#include <algorithm>

#include <ATen/ops/empty.h>

namespace lodestone::distributed {

std::vector<std::string> gather_texts(const Group& world, const std::string& text) {
  const auto sizes = world.gather_counts(static_cast<int64_t>(text.size()));
  at::Tensor own_n = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  std::copy(text.begin(), text.end(), own_n.mutable_data_ptr<uint8_t>());
  const at::Tensor all_n = world.all_gather(own_n, sizes).cpu().contiguous();
  std::vector<std::string> texts;
  const char* next = reinterpret_cast<const char*>(all_n.const_data_ptr<uint8_t>());
  for (const int64_t size : sizes) {
    texts.emplace_back(next, static_cast<size_t>(size));
    next += size;
  }
  return texts;
}

}  // namespace lodestone::distributed
