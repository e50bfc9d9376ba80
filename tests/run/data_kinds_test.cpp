// The table of data kinds, and the settings that each kind leaves without effect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/table_rows.h"
#include "support/texts.h"
#include "trainer/run/data_kind.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::testing {
using namespace run;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

void read(RunConfig& config, const std::string& text, const std::vector<std::string>& assignments = {}) {
  read_run_config(parse_yaml(text, "run.yaml"), assignments, "run", config);
}

std::string error_of(const std::string& text, const std::vector<std::string>& assignments = {}) {
  return message_of<ConfigError>([&] {
    RunConfig config{Tables()};
    read(config, text, assignments);
  });
}

/// A configuration of this kind, with every sampler that it takes.
std::string yaml_of(const std::string& kind) {
  return "data: {kind: " + kind + "}\nsampler: {name: two_views}\nevaluate: {data: {path: x.tsv}}\n";
}

TEST(DataKindTable, RowsAreConsistent) {
  expect_consistent(data_kind_table());
  for (const auto& row : data_kind_table()) {
    SCOPED_TRACE(row.name);
    const auto kind = row.make();
    EXPECT_TRUE(kind->reads_images() || kind->reads_texts());
    EXPECT_STRNE(kind->samples(), "");
    EXPECT_EQ(error_of(yaml_of(row.name)), "no error");
  }
}

// A key that no mapping has would be ignored.
TEST(DataKindTable, EachSettingWithoutEffectIsASettingAndIsRefused) {
  for (const auto& row : data_kind_table())
    for (const SettingWithoutEffect& idle : row.make()->without_effect()) {
      const std::string key = idle.key;
      std::vector<std::string> keys{key};
      if (key.starts_with("source.")) keys = {"data.train" + key.substr(6), "evaluate.data" + key.substr(6)};
      for (const auto& one : keys)
        EXPECT_THAT(error_of(yaml_of(row.name), {one + "=1"}), HasSubstr(one + ": has no effect"))
            << row.name;
    }
}

TEST(DataKind, IsSelectedByNameAndRefusedWithTheNearestOne) {
  RunConfig config{Tables()};
  EXPECT_EQ(config.data.kind.name(), "images");
  read(config, "data: {kind: texts, text: {format: pairs}}\nloss: clip");
  EXPECT_FALSE(config.data.kind->reads_images());
  EXPECT_TRUE(config.rows_are_given());
  EXPECT_THAT(error_of("data: {kind: text}"), AllOf(HasSubstr("data.kind: expected one of images, texts"),
                                                    HasSubstr("got 'text'; did you mean 'texts'?")));
}

TEST(DataKind, NamesTheSamplersThatItTakes) {
  EXPECT_THAT(error_of("data: {kind: image_texts}\nsampler: {name: pk}"),
              HasSubstr("sampler.name: expected two_views for image_texts"));
}

TEST(DataKind, NamesTheSettingThatDeterminesTheRowsOfABatch) {
  EXPECT_THAT(error_of("data: {tuples: pairs.tsv}\nsampler: {name: pk}"),
              HasSubstr("sampler: has no effect since data.tuples determines which rows form a batch"));
  EXPECT_THAT(error_of("data: {kind: texts, text: {format: pairs}}\nsampler: {name: pk}"),
              HasSubstr("sampler: has no effect since data.text.format determines which rows form a batch"));
}

}  // namespace
}  // namespace lodestone::testing
