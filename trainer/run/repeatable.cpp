#include "trainer/run/repeatable.h"

#include <cstdlib>

#include <ATen/Context.h>

namespace lodestone {

void make_repeatable() {
  // cuBLAS reads it once; LibTorch warns at each product without it. What the user has set stays.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::Context& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  // That every new tensor is filled first helps to find errors, and costs a pass over memory.
  context.setDeterministicFillUninitializedMemory(false);
}

}  // namespace lodestone
