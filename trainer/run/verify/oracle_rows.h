#pragma once

#include <cstdint>
#include <string>

#include "trainer/run/run_config.h"

namespace lodestone::run {

/// Memory limit of the reference computation of verify-gradients, which forms the difference of the rows of
/// every pair, and every triplet for a loss over all triplets.
constexpr double kOracleBytes = 512.0 * 1024 * 1024;

/// How many rows of a global batch the reference computation can check, and why not all of them.
struct OracleRows {
  int64_t rows = 0;
  std::string reason;  ///< empty if all rows are checked
};

/// The largest number of rows within kOracleBytes: whole classes of the sampler, at least two of them and one
/// row per rank. `classes` is the number of classes of the data, which losses with proxies compare with.
OracleRows oracle_rows(const RunConfig& config, const negatives::Objective& objective, int64_t classes,
                       int64_t batches, int world);

}  // namespace lodestone::run
