#include "trainer/coordinator/config.h"

#include <gtest/gtest.h>

#include "common/yaml.h"

namespace lodestone {
using namespace coordinator;
namespace {

template <typename Config>
Config read(const std::string& text) {
  Config config;
  read_fields(parse_yaml(text, "test.yaml"), [&](Fields& f) { config.visit(f); });
  return config;
}

TEST(CoordinatorConfig, Defaults) {
  const auto checkpoint = read<SaveConfig>("{}");
  EXPECT_EQ(checkpoint.every_steps, 500);
  EXPECT_EQ(checkpoint.retention.keep_last, 2);
  const auto metrics = read<MetricsConfig>("{}");
  EXPECT_FALSE(metrics.port);
  EXPECT_EQ(metrics.address, "127.0.0.1");
}

TEST(CoordinatorConfig, ReadsAndChecks) {
  EXPECT_EQ(read<SaveConfig>("{every_steps: 10, keep_last: 5}").retention.keep_last, 5);
  EXPECT_EQ(read<MetricsConfig>("{port: 9400, address: 0.0.0.0}").port, 9400);
  EXPECT_THROW(read<SaveConfig>("{keep_last: -1}"), ConfigError);
  EXPECT_EQ(read<SaveConfig>("{keep_best: {metric: eer, mode: min, count: 3}}").retention.keep_best.count, 3);
  EXPECT_THROW(read<SaveConfig>("{keep_best: {mode: best}}"), ConfigError);
  EXPECT_THROW(read<SaveConfig>("{when_busy: pile_up}"), ConfigError);
  EXPECT_THROW(read<SaveConfig>("{deadline: 0}"), ConfigError);
  EXPECT_THROW(read<MetricsConfig>("{port: 65536}"), ConfigError);
  EXPECT_THROW(read<MetricsConfig>("{ports: 1}"), ConfigError);
}

}  // namespace
}  // namespace lodestone
