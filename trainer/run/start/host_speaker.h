#pragma once

#include <string>

namespace lodestone {

/// Must this process print a sentence that all ranks of its host may have to say before they know each other: a slip in the command or
/// the configuration? Local rank 0 prints it. Another rank waits until local rank 0 has come to the same sentence, and prints it itself
/// after three seconds, so that nothing is lost where local rank 0 is well or gone. True for a process on its own.
bool speaks_for_its_host(const std::string& sentence);

}  // namespace lodestone
