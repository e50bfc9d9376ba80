#pragma once

#include "trainer/run/extensions.h"

namespace lodestone {

/// The whole program `lodestone`, with losses, miners and encoders of the caller's beside its own. Prints
/// results to stdout, and progress and errors to stderr.
///
///     int main(int argc, char** argv) {
///       lodestone::run::Extensions own;
///       const auto make = lodestone::make_row<lodestone::losses::Loss, OwnLoss>;
///       own.losses = {{.name = "own", .doc = "a loss", .make = make}};
///       return lodestone::main(argc, argv, own);
///     }
///
/// Returns   the exit code of the process (common/exit_code.h)
/// Requires  main's arguments, before anything else in main: the process may execute itself again
int main(int argc, char** argv, const run::Extensions& extensions = {});

}  // namespace lodestone
