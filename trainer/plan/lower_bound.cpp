#include "trainer/plan/lower_bound.h"

#include <algorithm>
#include <chrono>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>

#include "common/products.h"
#include "trainer/negatives/tiles/tile_walk.h"

namespace lodestone::plan {

namespace {

template <typename Run>
double best_seconds(Run run) {
  double best = 1e9;
  for (int round = 0; round < 4; ++round) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

// Operations per second of products of this width with square tiles of this side.
double measured_flops(c10::Device device, int64_t width, int64_t side) {
  const at::Tensor u_rD = normal_rows(side, width, 1).to(device),
                   v_cD = normal_rows(side, width, 2).to(device);
  at::Tensor s_rc = at::empty({side, side}, u_rD.options()), g_rD = at::empty({side, width}, u_rD.options());
  const double flops = 2.0 * static_cast<double>(side * side * width);
  // A GPU needs enough work that it does not wait for the calls.
  const int64_t times = std::max<int64_t>(device.is_cpu() ? 1 : 10, (int64_t{1} << 22) / (side * side));
  const auto repeated = [&](auto run) {
    return flops * static_cast<double>(times) / best_seconds([&] {
             at::Tensor last;
             for (int64_t i = 0; i < times; ++i) last = run();
             wait_for(last);
           });
  };
  double best = repeated([&] { return at::mm_out(s_rc, u_rD, v_cD.t()); });
  best = std::max(best, repeated([&] { return at::mm_out(g_rD, s_rc, v_cD); }));
  if (!device.is_cpu()) return best;
  best = std::max(best, repeated([&] { return products_of_rows(u_rD, v_cD); }));
  return std::max(best, repeated([&] { return products_of_rows(s_rc, v_cD.t()); }));
}

double measured_flops(c10::Device device, int64_t width) {
  double best = 0;
  for (const int64_t side : {512, 1024, 2048}) best = std::max(best, measured_flops(device, width, side));
  if (device.is_cpu()) return best;
  return std::max({best, measured_flops(device, width, 4096), measured_flops(device, width, 8192)});
}

double measured_exps(c10::Device device) {
  const int64_t side = negatives::tile_side(at::TensorOptions().dtype(at::kFloat).device(device));
  const at::Tensor x_rc = normal_rows(side, side, 1).to(device);
  at::Tensor y_rc = at::empty_like(x_rc);
  return 16.0 * static_cast<double>(side * side) / best_seconds([&] {
           for (int i = 0; i < 16; ++i) at::exp_out(y_rc, x_rc);
           wait_for(y_rc);
         });
}

}  // namespace

at::Tensor normal_rows(int64_t rows, int64_t width, uint64_t seed) {
  return at::randn({rows, width}, at::detail::createCPUGenerator(seed),
                   at::TensorOptions().dtype(at::kFloat));
}

void wait_for(const at::Tensor& x) {
  if (!x.is_cpu() && x.numel() > 0) x.view({-1})[0].item();
}

std::string product_routine(c10::Device device, int world) {
  return std::string("products by ATen mm (") + (device.is_cpu() ? "MKL" : device.str()) + ") in tiles of " +
         std::to_string(negatives::tile_side(at::TensorOptions().dtype(at::kFloat).device(device))) +
         (world == 1 ? ", each pair formed once" : "");
}

Work least_work(const negatives::Objective& objective, int world, int64_t size, int64_t references,
                int64_t width) {
  const bool one = world == 1;
  const losses::Pairing pairing = objective.loss.pairing();
  double products = one ? 2 : 3, passes = one ? 1 : 2;
  if (objective.miner.as_triplets()) {
    products = passes = 1;
  } else if (pairing == losses::Pairing::kTowers) {
    products = one ? 4 : 6;
    passes = one ? 2 : 4;
  } else if (pairing != losses::Pairing::kBatch) {
    products = 4;
    passes = 2;
  }
  if (objective.miner.as_pairs()) products += one && pairing == losses::Pairing::kBatch ? 0.5 : 1;
  const double pairs =
      static_cast<double>(size) / world *
      static_cast<double>(pairing == losses::Pairing::kBatch
                              ? size
                              : references * (pairing == losses::Pairing::kTowers ? 1 : world));
  const auto* loss = objective.loss.as_pairs();
  const bool transcends = (loss && loss->negative_sum() == losses::Sum::kLogExp) ||
                          objective.loss.measure() == losses::Measure::kL2;
  return {products * 2 * pairs * static_cast<double>(width), transcends ? passes * pairs : 0};
}

double ProductRates::seconds(const Work& work, int64_t width) {
  double& flops = flops_[width];
  if (flops == 0) flops = measured_flops(device_, width);
  if (exps_ == 0) exps_ = measured_exps(device_);
  return work.flops / flops + work.transcendentals / exps_;
}

}  // namespace lodestone::plan
