#pragma once

#include <cstdint>
#include <string>

#include "trainer/run/run_config.h"

namespace lodestone {

/// What verify-gradients compares with forms every pair from the difference of its rows, and a loss over all triplets every triplet:
/// what it holds at once is kept within this.
constexpr double kOracleBytes = 512.0 * 1024 * 1024;

/// How many rows of a global batch the oracle can judge an objective by, and why not all.
struct OracleRows {
  int64_t rows = 0;
  std::string reason;  ///< empty: all of them
};

/// The most rows that keep within kOracleBytes: whole classes of the sampler, at least two of them and a row for each rank.
/// `classes`   of the data, which losses with proxies compare with
OracleRows oracle_rows(const RunConfig& config, const Objective& objective, int64_t classes, int64_t batches,
                       int world);

}  // namespace lodestone
