#pragma once

#include <chrono>
#include <string>

namespace lodestone::run {

/// How long ranks of one host may be apart when they read the same configuration.
inline constexpr std::chrono::milliseconds kHostPatience{3000};

/// Whether this process prints an error that every rank of its host may find before the ranks are connected,
/// such as one in the command, the configuration or a checkpoint. Local rank 0 prints it. Another rank waits
/// until local rank 0 has found the same error, and prints it itself after `patience`, so that an error of
/// one rank alone is not lost. True for a process without a launcher.
/// Ranks     not collective; blocks for `patience` at most
bool reports_for_host(const std::string& sentence, std::chrono::milliseconds patience = kHostPatience);

/// "rank 3: " in a job of several ranks, if this is not its rank 0; else "".
std::string rank_prefix();

}  // namespace lodestone::run
