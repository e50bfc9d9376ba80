#pragma once

namespace lodestone {

/// Has GPUs take the algorithms that give the same bits in each run, where they have a choice: cuDNN's convolutions, sums by index,
/// cuBLAS' products. So that a run that goes on after an interruption ends as one without. An operation of a user's own model
/// that has no such algorithm is carried out all the same, and LibTorch warns of it.
/// Call it before the first product. Process-wide, as LibTorch's settings are.
void make_repeatable();

}  // namespace lodestone
