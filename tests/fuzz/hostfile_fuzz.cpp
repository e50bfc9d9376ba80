#include "fuzz/input.h"
#include "trainer/coordinator/faults/host_list.h"

using namespace lodestone;
using namespace lodestone::coordinator;

/// Any bytes become hosts whose own text is read back, and whose names are no option to ssh; or a typed
/// error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::MemoryFile file(fuzz::text(data, size));
  fuzz::refusing([&] {
    const std::vector<Host> hosts = read_hostfile(file.path());
    for (const Host& host : hosts)
      if (host.name.empty() || host.name.starts_with('-') || host.name.find("@-") != std::string::npos ||
          host.slots.value_or(1) < 1 ||
          host.max_slots.value_or(host.slots.value_or(1)) < host.slots.value_or(1))
        std::abort();
    if (slots_of(hosts).value_or(1) < 1) std::abort();
    const std::string written = hostfile_text(hosts);
    const fuzz::MemoryFile again(written);
    if (hostfile_text(read_hostfile(again.path())) != written) std::abort();
  });
  return 0;
}
