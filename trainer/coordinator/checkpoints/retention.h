#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/fields.h"

namespace lodestone {

/// Which checkpoints stay beyond the newest ones because of what the model was worth.
struct KeepBest {
  std::string metric = "recall_at_1";
  std::string mode = "max";
  int64_t count = 0;

  void visit(Fields& f);
};

/// Which checkpoints stay when a new one is there.
struct Retention {
  int64_t keep_last = 2;
  int64_t keep_every = 0;
  KeepBest keep_best;

  void visit(Fields& f);
  /// Those below `root` that are to go. `saved` always stays, as do the newest keep_last, those whose step is a multiple of
  /// keep_every, and the keep_best.count best of those that say what they are worth (ties: the later step). Those of later steps than
  /// `saved` count for nothing, and stay.
  std::vector<std::filesystem::path> superfluous(const std::filesystem::path& root,
                                                 const std::filesystem::path& saved) const;
};

}  // namespace lodestone
