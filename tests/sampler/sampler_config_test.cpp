// The table of samplers, and how a configuration selects a row of it.
#include "sampler/samplers/sampler_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/keys_without_effect.h"
#include "common/yaml.h"
#include "sampler/samplers/sampler_learner.h"
#include "support/images.h"
#include "support/table_rows.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::message_of;
using testing::SyntheticImages;

SamplerConfig read(const std::string& text, bool kept = false) {
  SamplerConfig config;
  const auto visit = [&](Fields& f) { config.visit(f); };
  kept ? read_kept_fields(parse_yaml(text, "run.yaml"), visit)
       : read_fields(parse_yaml(text, "run.yaml"), visit);
  return config;
}

std::string error_of(const std::string& text) {
  return message_of<ConfigError>([&] { read(text); });
}

TEST(SamplerTable, RowsAreConsistent) {
  testing::expect_consistent(sampler_table());
}

// What a row says about its batches is what they are.
TEST(SamplerTable, EveryRowMakesTheBatchesThatItDescribes) {
  const auto images = std::make_shared<SyntheticImages>(8, 5);
  for (const auto& row : sampler_table()) {
    SCOPED_TRACE(row.name);
    const auto factory = row.make();
    const auto sampler = factory->make(images, 8, 1);
    EXPECT_EQ(sampler->global_batch(), 8);
    const GlobalBatch batch = sampler->batch({0, 0});
    ASSERT_EQ(batch.rows(), 8);
    const auto unit = static_cast<size_t>(factory->unit());
    ASSERT_EQ(8 % unit, 0u);
    for (size_t row_of_batch = 0; row_of_batch < 8; ++row_of_batch)
      EXPECT_EQ(batch.labels[row_of_batch], batch.labels[row_of_batch / unit * unit]);
    EXPECT_EQ(batch.samples_are_labels, factory->samples_are_labels());
    EXPECT_EQ(samples_are_labels(row.name), factory->samples_are_labels());
  }
  EXPECT_FALSE(samples_are_labels("a sampler of another program"));
}

TEST(SamplerConfig, ReadsTheSettingsOfItsRow) {
  const auto images = std::make_shared<SyntheticImages>(8, 5);
  const auto labels = [&](const std::string& text) {
    return make_sampler(read(text), images, {}, 8, 1)->batch({0, 0}).labels;
  };
  EXPECT_EQ(labels("name: pk")[0], labels("name: pk")[3]);
  EXPECT_NE(labels("samples_per_class: 2")[0], labels("samples_per_class: 2")[2]);
  EXPECT_EQ(read("{name: hard_class, samples_per_class: 2, hard_class: {refresh: 7}}")
                ->make(images, 8, 1)
                ->learner()
                ->lookahead(),
            7);
  EXPECT_EQ(
      make_sampler(read("name: shuffle"), images, {{0, 1, -1, true}}, 2, 1)->batch({0, 0}).tuples.size(), 1u);
}

TEST(SamplerConfig, RefusesUnknownNamesAndTheKeysOfOtherSamplers) {
  EXPECT_THAT(error_of("name: two_view"), AllOf(HasSubstr("name: expected one of pk, shuffle, two_views"),
                                                HasSubstr("did you mean 'two_views'?")));
  EXPECT_THAT(error_of("{name: shuffle, samples_per_class: 2}"),
              HasSubstr("samples_per_class: has no effect with sampler.name: shuffle; leave it out, or set "
                        "sampler.name: pk"));
  EXPECT_THAT(error_of("{name: pk, hard_class: {refresh: 7}}"), HasSubstr("or set sampler.name: hard_class"));
  EXPECT_EQ(read("{name: two_views, samples_per_class: 2}", /*kept=*/true).name(), "two_views");
  EXPECT_EQ(read("{name: two_views, samples_per_class: }").name(), "two_views");
}

}  // namespace
}  // namespace lodestone
