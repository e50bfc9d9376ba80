#pragma once

/// Marks a function of plain loops that the compiler is to build for several instruction sets; the best one that the processor
/// has is chosen when the program starts. One version only for other compilers and processors, and under sanitizers, which
/// can't follow that choice.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LODESTONE_MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LODESTONE_MULTIVERSION
#endif
