#pragma once

/// Compiles a function for several instruction sets; the loader selects the best one that the processor has.
/// The functions it calls must be inlined into it: "flatten" does so.
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LODESTONE_CLONES \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), flatten))
#else
#define LODESTONE_CLONES
#endif
