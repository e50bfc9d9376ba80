#include "collectives.h"

#include <array>
#include <stdexcept>
#include <vector>

#include <ATen/ATen.h>

#include "common/error.h"
#include "distributed/group_watch.h"

namespace lodestone::testing {
using namespace distributed;

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

namespace {

constexpr std::array<at::ScalarType, 8> kTypes = {at::kBool,     at::kByte, at::kInt,   at::kLong,
                                                  at::kBFloat16, at::kHalf, at::kFloat, at::kDouble};

std::string on_rank(const Group& group, const std::string& what) {
  return what + " on rank " + std::to_string(group.rank()) + " of " + std::to_string(group.size());
}

// What rank r contributes: small whole numbers, so that every dtype holds their sums exactly.
at::Tensor values(int64_t rank, at::IntArrayRef shape, at::ScalarType type) {
  int64_t n = 1;
  for (const int64_t size : shape) n *= size;
  return at::arange(n)
      .mul(rank + 1)
      .remainder(7)
      .sub(type == at::kByte || type == at::kBool ? 0 : 3)
      .to(type)
      .reshape(shape);
}

void check_equal(const Group& group, const at::Tensor& got, const at::Tensor& expected,
                 const std::string& what) {
  require(got.sizes() == expected.sizes() && got.scalar_type() == expected.scalar_type() &&
              at::equal(got, expected),
          on_rank(group, what));
}

std::vector<int64_t> uneven(int64_t world, int64_t seed) {
  std::vector<int64_t> counts;
  for (int64_t r = 0; r < world; ++r) counts.push_back((r * seed + 2) % 4);
  return counts;
}

void all_reduce_every_type_and_op(const Group& group) {
  for (const at::ScalarType type : kTypes) {
    for (const ReduceOp op : {ReduceOp::kSum, ReduceOp::kMax, ReduceOp::kMin}) {
      at::Tensor x = values(group.rank(), {5, 3}, type);
      at::Tensor expected = values(0, {5, 3}, type);
      for (int64_t r = 1; r < group.size(); ++r) {
        const at::Tensor other = values(r, {5, 3}, type);
        if (op == ReduceOp::kMax) expected = at::maximum(expected, other);
        if (op == ReduceOp::kMin) expected = at::minimum(expected, other);
        if (op == ReduceOp::kSum) expected = expected + other;
      }
      group.all_reduce(x, op);
      check_equal(group, x, expected.to(type), std::string("all_reduce of ") + at::toString(type));
    }
  }
}

void all_reduce_any_size_and_stride(const Group& group) {
  for (const int64_t n : {0, 1, 2, 1000, 70001}) {
    at::Tensor x = at::full({n}, 1.0f + static_cast<float>(group.rank()));
    group.all_reduce(x);
    const float total = static_cast<float>(group.size() * (group.size() + 1)) / 2;
    check_equal(group, x, at::full({n}, total), "all_reduce of " + std::to_string(n));
  }
  at::Tensor whole = at::zeros({4, 6});
  at::Tensor part = whole.t().slice(0, 1, 3);
  part.fill_(2);
  group.all_reduce(part);
  check_equal(group, whole.sum(), at::scalar_tensor(16.0f * static_cast<float>(group.size())),
              "strided all_reduce");
}

void bfloat16_sums_round_once(const Group& group) {
  // 256 + 1 is not a bfloat16: adding pair by pair would stay at 256 for ever.
  at::Tensor x = at::full({3}, group.rank() == 0 ? 256.0 : 1.0, at::kBFloat16);
  group.all_reduce(x);
  const at::Tensor expected = at::full({3}, 255.0 + group.size(), at::kFloat).to(at::kBFloat16);
  check_equal(group, x, expected, "bfloat16 all_reduce");
}

void every_rank_gets_the_same_bits(const Group& group) {
  at::Tensor x = at::sin(at::arange(1001, at::kFloat).mul(1.7f * static_cast<float>(group.rank() + 1)));
  group.all_reduce(x);
  at::Tensor high = x.clone(), low = x.clone();
  group.all_reduce(high, ReduceOp::kMax);
  group.all_reduce(low, ReduceOp::kMin);
  check_equal(group, high, low, "sums");
}

void all_gather_any_counts(const Group& group) {
  std::vector<std::vector<int64_t>> layouts = {uneven(group.size(), 1), uneven(group.size(), 3)};
  layouts.emplace_back(static_cast<size_t>(group.size()), 0);
  layouts.emplace_back(static_cast<size_t>(group.size()), 3);
  for (const at::ScalarType type : kTypes) {
    for (const auto& counts : layouts) {
      std::vector<at::Tensor> parts;
      for (int64_t r = 0; r < group.size(); ++r)
        parts.push_back(values(r, {counts[static_cast<size_t>(r)], 2, 3}, type));
      const at::Tensor& own = parts[static_cast<size_t>(group.rank())];
      check_equal(group, group.all_gather(own, counts), at::cat(parts), "all_gather");
      check_equal(group, group.all_gather(own), at::cat(parts), "all_gather without counts");
    }
  }
  const at::Tensor columns = values(group.rank(), {3, 4}, at::kFloat).t();
  std::vector<at::Tensor> parts;
  for (int64_t r = 0; r < group.size(); ++r) parts.push_back(values(r, {3, 4}, at::kFloat).t());
  check_equal(group, group.all_gather(columns), at::cat(parts), "all_gather of a transposed tensor");
}

void gather_counts_in_rank_order(const Group& group) {
  const std::vector<int64_t> counts = group.gather_counts(10 * group.rank() + 1);
  for (int r = 0; r < group.size(); ++r)
    require(counts[static_cast<size_t>(r)] == 10 * r + 1, on_rank(group, "gather_counts"));
}

void reduce_scatter_is_adjoint_of_all_gather(const Group& group) {
  for (const auto& counts :
       {uneven(group.size(), 1), std::vector<int64_t>(static_cast<size_t>(group.size()), 2)}) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong, at::kBFloat16}) {
      int64_t rows = 0, first = 0;
      for (size_t r = 0; r < counts.size(); ++r) {
        if (static_cast<int>(r) == group.rank()) first = rows;
        rows += counts[r];
      }
      at::Tensor total = at::zeros({rows, 3}, type);
      for (int64_t r = 0; r < group.size(); ++r) total += values(r, {rows, 3}, type);
      const at::Tensor own = group.reduce_scatter(values(group.rank(), {rows, 3}, type), counts);
      check_equal(group, own, total.narrow(0, first, counts[static_cast<size_t>(group.rank())]),
                  "reduce_scatter");
    }
  }
}

void broadcast_from_every_root(const Group& group) {
  for (int root = 0; root < group.size(); ++root) {
    for (const at::ScalarType type : kTypes) {
      at::Tensor x = values(group.rank(), {4, 3}, type).t();
      group.broadcast(x, root);
      check_equal(group, x, values(root, {4, 3}, type).t(), "broadcast");
    }
    const std::string text = group.broadcast_text("from " + std::to_string(group.rank()), root);
    require(text == "from " + std::to_string(root), on_rank(group, "broadcast_text"));
  }
  at::Tensor nothing = at::empty({0});
  group.broadcast(nothing);
}

void ring_passes_uneven_blocks_on(const Group& group) {
  const int to = (group.rank() + 1) % group.size(), from = (group.rank() + group.size() - 1) % group.size();
  const std::vector<int64_t> counts = uneven(group.size(), 1);
  at::Tensor block = values(group.rank(), {counts[static_cast<size_t>(group.rank())], 2}, at::kFloat);
  for (int hop = 1; hop <= group.size(); ++hop) {
    const int origin = (group.rank() - hop + group.size()) % group.size();
    const std::vector<int64_t> shape = {counts[static_cast<size_t>(origin)], 2};
    block = group.send_recv(block, to, shape, from);
    check_equal(group, block, values(origin, shape, at::kFloat), "send_recv");
  }
}

void large_ring_does_not_deadlock(const Group& group) {
  const int to = (group.rank() + 1) % group.size(), from = (group.rank() + group.size() - 1) % group.size();
  const at::Tensor x = at::full({1 << 18}, group.rank());
  const at::Tensor got = group.send_recv(x, to, x.sizes(), from);
  check_equal(group, got, at::full({1 << 18}, from), "large send_recv");
}

void asynchronous_calls_overlap(const Group& group) {
  std::vector<Pending> reductions;
  for (int i = 0; i < 20; ++i) reductions.push_back(group.all_reduce_async(at::full({100}, i)));
  const std::vector<int64_t> counts(static_cast<size_t>(group.size()), 1);
  Pending gathered = group.all_gather_async(at::full({1, 2}, group.rank()), counts);
  for (int i = 19; i >= 0; --i) {
    check_equal(group, reductions[static_cast<size_t>(i)].wait(), at::full({100}, i * group.size()),
                "all_reduce_async");
  }
  check_equal(group, gathered.wait(), at::arange(group.size()).unsqueeze(1).expand({group.size(), 2}),
              "all_gather_async");
  check_equal(group, gathered.wait(), gathered.wait(), "second wait");
}

void splits_work_apart_and_together(const Group& group) {
  const int64_t color = group.rank() % 2;
  const Group half = group.split(color, -group.rank());
  const int expected_size = (group.size() + (color == 0 ? 1 : 0)) / 2;
  require(half.size() == expected_size, on_rank(group, "size of a split"));
  require(half.rank() == half.size() - 1 - group.rank() / 2, on_rank(group, "order of a split by key"));
  at::Tensor x = at::full({2}, group.rank());
  half.all_reduce(x);
  int64_t sum = 0;
  for (int64_t r = color; r < group.size(); r += 2) sum += r;
  check_equal(group, x, at::full({2}, sum), "all_reduce in a split");
  const Group again = half.split(0, half.rank());
  require(again.size() == half.size() && again.rank() == half.rank(), on_rank(group, "split of a split"));
  again.barrier();
  group.barrier();
}

void traffic_is_counted(const Group& group) {
  const Traffic before = group.traffic();
  auto seconds_before = collective_seconds(group);
  at::Tensor x = at::zeros({600});
  group.all_reduce(x);
  const std::vector<int64_t> ones(static_cast<size_t>(group.size()), 1);
  group.all_gather(at::zeros({1, 10}, at::kDouble), ones);
  const Traffic after = group.traffic();
  const int64_t w = group.size();
  require(after.all_reduce.calls - before.all_reduce.calls == (w > 1 ? 1 : 0),
          on_rank(group, "all_reduce calls"));
  require(after.all_reduce.bytes - before.all_reduce.bytes == 2 * 2400 * (w - 1) / w,
          on_rank(group, "all_reduce bytes"));
  require(after.all_gather.bytes - before.all_gather.bytes == 80 * (w - 1),
          on_rank(group, "all_gather bytes"));
  auto seconds_after = collective_seconds(group);
  require((seconds_after["all_gather"] > seconds_before["all_gather"]) == (w > 1),
          on_rank(group, "all_gather seconds"));
  require(seconds_after["broadcast"] == seconds_before["broadcast"],
          on_rank(group, "seconds of a operation not called"));
}

void wrong_arguments_are_errors(const Group& group) {
  const auto refuses = [](const auto& call) {
    try {
      call();
    } catch (const CommError&) {
      return false;
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  const std::vector<int64_t> too_many(static_cast<size_t>(group.size()) + 1, 1);
  const std::vector<int64_t> unfit(static_cast<size_t>(group.size()), 2);
  require(refuses([&] { group.all_gather(at::zeros({1}), too_many); }), "too many counts");
  require(refuses([&] { group.all_gather(at::zeros({1}), unfit); }), "counts that do not fit");
  require(refuses([&] { group.all_gather(at::scalar_tensor(1.0)); }), "a scalar");
  at::Tensor x = at::zeros({1});
  require(refuses([&] { group.broadcast(x, group.size()); }), "a root outside");
  group.barrier();
}

constexpr CollectiveCase kCases[] = {
    {"all_reduce_every_type_and_op", all_reduce_every_type_and_op},
    {"all_reduce_any_size_and_stride", all_reduce_any_size_and_stride},
    {"bfloat16_sums_round_once", bfloat16_sums_round_once},
    {"every_rank_gets_the_same_bits", every_rank_gets_the_same_bits},
    {"all_gather_any_counts", all_gather_any_counts},
    {"gather_counts_in_rank_order", gather_counts_in_rank_order},
    {"reduce_scatter_is_adjoint_of_all_gather", reduce_scatter_is_adjoint_of_all_gather},
    {"broadcast_from_every_root", broadcast_from_every_root},
    {"ring_passes_uneven_blocks_on", ring_passes_uneven_blocks_on},
    {"large_ring_does_not_deadlock", large_ring_does_not_deadlock},
    {"asynchronous_calls_overlap", asynchronous_calls_overlap},
    {"splits_work_apart_and_together", splits_work_apart_and_together},
    {"traffic_is_counted", traffic_is_counted},
    {"wrong_arguments_are_errors", wrong_arguments_are_errors},
};

}  // namespace

std::span<const CollectiveCase> collective_cases() {
  return kCases;
}

}  // namespace lodestone::testing
