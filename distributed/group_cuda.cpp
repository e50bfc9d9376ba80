// The GPU part of a group.

#include <exception>

#include "distributed/transport/transport.h"

namespace lodestone {

void GroupState::open_cuda(const std::string& purpose) {
  const auto refused = [context = std::weak_ptr(members.context)](const std::string& what) {
    if (const auto alive = context.lock()) alive->fail(what);
  };
  cuda = load_cuda_module().make_nccl(members, open_store(*members.context->control(), purpose, refused),
                                      cuda_index);
  members.context->add_cuda_group(weak_from_this());
}

void GroupState::abort_cuda() noexcept {
  c10::intrusive_ptr<c10d::Backend> nccl;
  {
    std::lock_guard lock(mutex);
    nccl = cuda;
  }
  try {
    if (nccl) nccl->abort();
  } catch (const std::exception&) {  // the job has failed already
  }
}

void GroupState::close_cuda(bool failed) noexcept {
  c10::intrusive_ptr<c10d::Backend> nccl;
  {
    std::lock_guard lock(mutex);
    nccl.swap(cuda);
  }
  if (!nccl) return;
  try {
    if (failed || std::uncaught_exceptions() > 0 || members.context->failure())
      nccl->abort();
    else
      nccl->shutdown();
  } catch (const std::exception&) {  // the process frees the rest at its end
  }
}

}  // namespace lodestone
