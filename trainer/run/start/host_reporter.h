#pragma once

#include <string>

namespace lodestone::run {

/// Whether this process prints an error that every rank of its host may find before the ranks are connected,
/// such as one in the command or the configuration. Local rank 0 prints it. Another rank waits until local
/// rank 0 has found the same error, and prints it itself after three seconds, so that an error of one rank
/// alone is not lost. True for a process without a launcher.
/// Ranks     not collective; blocks for three seconds at most
bool reports_for_host(const std::string& sentence);

}  // namespace lodestone::run
