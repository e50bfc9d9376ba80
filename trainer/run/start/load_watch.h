#pragma once

#include <string>
#include <vector>

namespace lodestone {

/// Words that stand before a rank's command: a shell that leaves a process behind and becomes the command. While the loader links
/// the program none of its code runs, and ranks on other hosts can't tell one that is stopped from a slow one. The process looks
/// every second until the program has threads; from then on it looks after itself (StartGuard). A rank that has been stopped for
/// five seconds is named and killed. deploy/slurm/train.sbatch does the same for ranks that srun starts.
std::vector<std::string> load_watch();

}  // namespace lodestone
