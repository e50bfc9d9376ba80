#include <chrono>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "collectives.h"
#include "common/error.h"
#include "support/ranks.h"

namespace lodestone::testing {
namespace {

class LocalCollectives : public ::testing::TestWithParam<std::tuple<int, CollectiveCase>> {};

TEST_P(LocalCollectives, hold) {
  const auto& [world, property] = GetParam();
  GroupOptions options;
  options.timeout = std::chrono::seconds(30);
  run_ranks(world, options, property.body);
  options.compare_calls = true;
  if (std::string_view(property.name) != "wrong_arguments_are_errors")
    run_ranks(world, options, property.body);
}

INSTANTIATE_TEST_SUITE_P(Worlds, LocalCollectives,
                         ::testing::Combine(::testing::Values(1, 2, 3, 4, 8),
                                            ::testing::ValuesIn(all_cases())),
                         [](const auto& tested) {
                           return std::string(std::get<1>(tested.param).name) + "_" +
                                  std::to_string(std::get<0>(tested.param));
                         });

std::string comm_error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const CommError& error) {
    return error.what();
  }
  return "";
}

GroupOptions impatient() {
  GroupOptions options;
  options.timeout = std::chrono::milliseconds(100);
  return options;
}

TEST(Local, late_rank_is_named_by_all_others) {
  run_ranks(3, impatient(), [](const Group& group) {
    group.set_step(7);
    if (group.rank() == 1) return;
    at::Tensor x = at::zeros({2});
    const std::string text = comm_error_of([&] { group.all_reduce(x); });
    for (const char* part : {"all_reduce", "step 7", "rank 1 has not entered", "100 ms"}) {
      require(text.find(part) != std::string::npos, "expected '" + std::string(part) + "' in: " + text);
    }
    require(!comm_error_of([&] { group.barrier(); }).empty(), "the group must stay unusable");
  });
}

TEST(Local, missing_message_is_named) {
  run_ranks(2, impatient(), [](const Group& group) {
    if (group.rank() == 1) return;
    const at::Tensor x = at::zeros({2});
    const std::string text = comm_error_of([&] { group.send_recv(x, 1, x.sizes(), 1); });
    require(text.find("rank 1 has not entered send_recv") != std::string::npos, text);
  });
}

TEST(Local, different_calls_are_named) {
  run_ranks(3, [](const Group& group) {
    at::Tensor x = at::zeros({group.rank() == 2 ? 3 : 2});
    const std::string text = comm_error_of([&] { group.all_reduce(x); });
    require(text.find("rank 2") != std::string::npos && text.find("3 Float") != std::string::npos, text);
  });
}

TEST(Local, compared_calls_name_the_rank_that_differs) {
  GroupOptions options;
  options.compare_calls = true;
  run_ranks(3, options, [](const Group& group) {
    group.set_step(group.rank() == 1 ? 4 : 5);
    at::Tensor x = at::zeros({2});
    const std::string text = comm_error_of([&] { group.all_reduce(x); });
    require(text.find("rank 1 called all_reduce of Float at step 4") != std::string::npos, text);
  });
}

// What the backend would not notice: as many elements in another shape.
TEST(Local, compared_calls_name_all_that_differ_before_data_moves) {
  GroupOptions options;
  options.compare_calls = true;
  run_ranks(4, options, [](const Group& group) {
    const bool astray = group.rank() == 1 || group.rank() == 3;
    at::Tensor x = at::ones(astray ? at::IntArrayRef({3, 2}) : at::IntArrayRef({2, 3}));
    const std::string text = comm_error_of([&] { group.all_reduce(x); });
    for (const char* part :
         {"rank 1 called all_reduce of Float", "; rank 3 called", "while rank 0 called", "same calls"})
      require(text.find(part) != std::string::npos, "expected '" + std::string(part) + "' in: " + text);
    require(text.find("rank 2 called") == std::string::npos, text);
    require(at::equal(x, at::ones_like(x)), "nothing may have been added");
  });
}

TEST(Local, abort_ends_what_is_under_way_also_in_splits) {
  run_ranks(4, [](const Group& group) {
    const Group pair = group.split(group.rank() / 2, group.rank());
    if (group.rank() == 0) return group.abort("enough");
    const std::string text = comm_error_of([&] { pair.rank() == 1 ? pair.barrier() : group.barrier(); });
    require(text.find("enough") != std::string::npos, text);
  });
}

TEST(Local, first_error_of_a_rank_is_rethrown) {
  EXPECT_THROW(run_ranks(2,
                         [](const Group& group) {
                           if (group.rank() == 1) throw DataError("broken record");
                           group.barrier();
                         }),
               DataError);
}

TEST(Local, hosts_can_be_pretended) {
  GroupOptions options;
  options.ranks_per_host = 2;
  run_ranks(5, options, [](const Group& group) {
    const Group host = group.split_by_host();
    require(host.size() == (group.rank() == 4 ? 1 : 2), "ranks of a host");
    require(host.rank() == group.local_rank(), "local rank");
  });
}

TEST(Local, waiting_threads_do_not_need_the_group_handle) {
  run_ranks(2, [](const Group& group) {
    Pending pending = Group(group).all_reduce_async(at::ones({3}));
    require(at::equal(pending.wait(), at::full({3}, 2.0f)), "the sum");
  });
}

}  // namespace
}  // namespace lodestone::testing
