#pragma once

#include <map>
#include <string>

#include "trainer/negatives/global_batch.h"

namespace lodestone {

/// What a loss and its gradient can't do without, on each rank.
struct Work {
  double flops = 0;            ///< of matrix products
  double transcendentals = 0;  ///< exponentials, or roots for Euclidean distances: one per pair and pass
};

/// The products and transcendental operations of the memory-flat scheme, in which a pair's value is formed once per pass:
///   pairs of a set on one rank   2 products of 2·N·N·D flops and N² exponentials, each pair serving both its ends
///   on W ranks                   3 products and 2 exponentials of (N/W)·N
///   two towers, or proxies       4 products and 2 exponentials of N·M (on W ranks, towers: 6 of (N/W)·N)
///   mined triplets               1 product
///   a miner of pairs             half a product more (on W ranks 1)
Work least_work(const Objective& objective, int world, int64_t size, int64_t refs, int64_t width);

/// How fast a device does them, measured when first asked. On the CPU, on the threads that are set: the best of MKL's and
/// oneDNN's float32 products over tiles of several sizes, and exp in the cache. On a GPU: ATen's products, and exp over a tile.
class ProductRates {
 public:
  explicit ProductRates(c10::Device device) : device_(device) {}
  double seconds(const Work& work, int64_t width);

 private:
  c10::Device device_;
  std::map<int64_t, double> flops_;  ///< per second, by width
  double exps_ = 0;                  ///< per second
};

/// `rows` random rows of standard normal numbers on the CPU, always the same for one seed.
at::Tensor normal_rows(int64_t rows, int64_t width, uint64_t seed);

/// What forms the products on `device`, in words.
std::string product_routine(c10::Device device, int world);

/// Returns when `x` has its values: work on a GPU goes on after the call that began it.
void wait_for(const at::Tensor& x);

}  // namespace lodestone
