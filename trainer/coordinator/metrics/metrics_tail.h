#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace lodestone {

/// What cutting the end of a metrics.jsonl took.
struct TailCut {
  uint64_t bytes_read = 0;
  uint64_t bytes_cut = 0;
};

/// Leaves of a metrics.jsonl what a resumed run continues from: a torn last line goes, and with `resume_step`
/// so does every line of a later step behind the last `train` line that is not of one. It is read backwards
/// from its end, up to that line. No file: nothing is done.
/// Memory    a block, one line of at most 1 MiB, and the lines that stay though they lie behind that train
///           line
/// Cost      reads and writes what lies behind that line, however long the file is
/// Crash     at any moment no line that stays is lost; some may then stand there twice
/// Throws    IoError
TailCut cut_metrics_tail(const std::filesystem::path& path, std::optional<int64_t> resume_step);

}  // namespace lodestone
