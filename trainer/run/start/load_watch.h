#pragma once

#include <string>
#include <vector>

namespace lodestone::run {

/// The words that precede a rank's command: a shell that starts a watching process and then executes the
/// command. While the loader links the program none of its code runs, and ranks on other hosts cannot
/// distinguish a stopped rank from a slow one. The watching process checks every second until the program has
/// threads, which start StartGuard. It reports and kills a rank that has been stopped for five seconds.
/// deploy/slurm/train.sbatch does the same for ranks that srun starts.
std::vector<std::string> load_watch();

}  // namespace lodestone::run
