#include "fuzz/input.h"
#include "trainer/coordinator/metrics/metrics_log.h"
#include "trainer/coordinator/metrics/metrics_tail.h"

using namespace lodestone;
using namespace lodestone::coordinator;

/// The first byte is the step to resume from, the rest the file. What is left is reported the same when it is
/// cut once more, ends with a line's end, and is of no later step behind the last train line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::optional<int64_t> step = data[0] == 255 ? std::nullopt : std::optional<int64_t>(data[0]);
  const fuzz::MemoryFile file(fuzz::text(data + 1, size - 1));
  const TailCut cut = cut_metrics_tail(file.path(), step);
  const std::string left = read_file(file.path());
  if (left.size() + cut.bytes_cut != size - 1 || (!left.empty() && left.back() != '\n')) std::abort();
  if (cut_metrics_tail(file.path(), step).bytes_cut != 0 || read_file(file.path()) != left) std::abort();
  read_metrics(file.path(), [](nlohmann::json&& line) {
    if (line.value("kind", "") == "x" && line.value("step", int64_t{0}) == 1) return;
  });
  return 0;
}
