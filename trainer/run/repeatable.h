#pragma once

namespace lodestone::run {

/// Makes GPUs use deterministic algorithms where they have a choice (cuDNN's convolutions, sums by
/// index, cuBLAS' products), so that an interrupted and resumed run ends with the same bits as an
/// uninterrupted one. An operation of a user's model that has no deterministic algorithm still
/// runs, and LibTorch warns about it.
/// Requires  a call before the first product; the setting is process-wide, as LibTorch's settings are
void make_repeatable();

}  // namespace lodestone::run
