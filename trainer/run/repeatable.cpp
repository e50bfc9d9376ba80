#include "trainer/run/repeatable.h"

#include <cstdlib>

#include <ATen/Context.h>

namespace lodestone::run {

void make_repeatable() {
  // cuBLAS reads it once; without it LibTorch warns at each product. A value of the user's stays.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::Context& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  // Filling every new tensor helps to find errors, and costs a pass over memory.
  context.setDeterministicFillUninitializedMemory(false);
}

}  // namespace lodestone::run
