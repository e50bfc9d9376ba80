#pragma once

namespace lodestone {

/// Threads of a rank that wait for one another spin for some milliseconds unless told otherwise, which takes the core from
/// whoever they wait for where cores are shared. For under one is as fast where they aren't. The OpenMP library reads how long
/// (GOMP_SPINCOUNT) before main begins, so this process begins again with it, unless the user has set it or OMP_WAIT_POLICY, or
/// the command computes nothing.
/// Cost       a quarter of a second, for linking LibTorch once more
/// `words` are main's. To be called before anything else.
void spin_briefly(char** words);

}  // namespace lodestone
