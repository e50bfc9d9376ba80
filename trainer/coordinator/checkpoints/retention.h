#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/fields.h"

namespace lodestone::coordinator {

/// Which value of a metric is the best.
enum class Best { kMax, kMin };

/// Keeps the checkpoints with the best values of a metric, in addition to the newest ones.
struct KeepBest {
  std::string metric = "recall_at_1";
  Best mode = Best::kMax;
  int64_t count = 0;

  void visit(Fields& f);
};

/// Which checkpoints are kept when a new one is saved.
struct Retention {
  int64_t keep_last = 2;
  int64_t keep_every = 0;
  KeepBest keep_best;

  void visit(Fields& f);
  /// The checkpoints below `root` to delete. Kept are: `saved`; the newest keep_last (0: all); those whose
  /// step is a multiple of keep_every; and, of those that store metrics, the keep_best.count best (at equal
  /// value the later step). Checkpoints of later steps than `saved` are not counted, and are kept.
  std::vector<std::filesystem::path> superfluous(const std::filesystem::path& root,
                                                 const std::filesystem::path& saved) const;
};

}  // namespace lodestone::coordinator
