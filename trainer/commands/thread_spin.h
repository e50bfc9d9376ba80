#pragma once

namespace lodestone::commands {

/// Makes waiting threads of a rank spin for less than a millisecond. By default they spin for some
/// milliseconds, which on shared cores takes the core from the thread they wait for; the shorter time is as
/// fast on cores of their own. The OpenMP library reads the setting (GOMP_SPINCOUNT) before main begins, so
/// the process executes itself again with it, unless the user has set it or OMP_WAIT_POLICY, or the command
/// computes nothing. `words` are main's arguments.
/// Cost      a quarter of a second, for linking LibTorch again
/// Requires  a call before anything else in main
void spin_briefly(char** words);

}  // namespace lodestone::commands
