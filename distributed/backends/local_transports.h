#pragma once

#include <vector>

#include "distributed/transport/transport.h"

namespace lodestone::distributed {

/// One transport per rank, for ranks that are threads of this process.
std::vector<c10::intrusive_ptr<Transport>> make_local_transports(const std::vector<Members>& members);

}  // namespace lodestone::distributed
