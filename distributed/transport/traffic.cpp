#include "distributed/transport/traffic.h"

namespace lodestone::distributed {

int64_t Traffic::calls() const {
  return all_reduce.calls + all_gather.calls + reduce_scatter.calls + broadcast.calls + send_recv.calls +
         barrier.calls + gradient_sync.calls;
}

int64_t Traffic::bytes() const {
  return all_reduce.bytes + all_gather.bytes + reduce_scatter.bytes + broadcast.bytes + send_recv.bytes +
         barrier.bytes + gradient_sync.bytes;
}

}  // namespace lodestone::distributed
