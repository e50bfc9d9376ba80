#pragma once

#include <map>
#include <string>

#include "trainer/negatives/global_batch.h"

namespace lodestone::plan {

/// The least work that a loss and its gradient need on each rank.
struct Work {
  double flops = 0;            ///< operations of matrix products
  double transcendentals = 0;  ///< exponentials, or roots for Euclidean distances: one per pair and pass
};

/// The matrix products and transcendental operations of the memory-flat scheme, which computes the value of a
/// pair once per pass, for N = `size` rows, M = `references` reference rows and W = `world` ranks:
///   pairs of a set on one rank   2 products of 2·N·N·D flops and N² exponentials (a pair serves both ends)
///   on W ranks                   3 products and 2 exponentials of (N/W)·N
///   two towers, or proxies       4 products and 2 exponentials of N·M (on W ranks, towers: 6 of (N/W)·N)
///   mined triplets               1 product
///   a miner of pairs             half a product more (on W ranks 1)
Work least_work(const negatives::Objective& objective, int world, int64_t size, int64_t references,
                int64_t width);

/// The rates at which a device computes products and transcendental operations, measured on first use. CPU:
/// the best of MKL's and oneDNN's float32 products over tiles of several sizes, and exp in the cache, on the
/// threads that are set. GPU: ATen's products, and exp over a tile.
class ProductRates {
 public:
  explicit ProductRates(c10::Device device) : device_(device) {}
  double seconds(const Work& work, int64_t width);

 private:
  c10::Device device_;
  std::map<int64_t, double> flops_;  ///< per second, by width
  double exps_ = 0;                  ///< per second
};

/// `rows` rows of standard normal numbers on the CPU, determined by the seed.
at::Tensor normal_rows(int64_t rows, int64_t width, uint64_t seed);

/// Name of the routine that computes the products on `device`.
std::string product_routine(c10::Device device, int world);

/// Returns when the values of `x` have been computed, since work on a GPU continues
/// after the call that started it.
void wait_for(const at::Tensor& x);

}  // namespace lodestone::plan
