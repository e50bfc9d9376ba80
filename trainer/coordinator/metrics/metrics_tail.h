#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace lodestone::coordinator {

/// What cut_metrics_tail read and removed.
struct TailCut {
  uint64_t bytes_read = 0;
  uint64_t bytes_cut = 0;
};

/// Prepares a metrics.jsonl for a resumed run: removes an incomplete last line and, with `resume_step`, every
/// line of a later step after the last `train` line that is not of a later step. The file is read backwards
/// from its end to that `train` line. A missing file is left alone.
/// Memory    one block, one line of at most 1 MiB, and the lines after that `train` line that are kept
/// Cost      reads and writes what follows that `train` line, however long the file is
/// Ensures   a crash at any moment loses no line that is kept; some lines may then be duplicated
/// Throws    IoError
TailCut cut_metrics_tail(const std::filesystem::path& path, std::optional<int64_t> resume_step);

}  // namespace lodestone::coordinator
