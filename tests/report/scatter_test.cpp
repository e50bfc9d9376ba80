#include "trainer/report/scatter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/rows_for_tests.h"

namespace lodestone::testing {
using namespace eval;
using namespace report;
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Scatter, DrawsEveryRowAndNamesTheClasses) {
  const LabelledRows rows = clustered_rows(2, 60, 4, 3, 0.5);
  const std::string svg = draw_scatter(project_sample(rows, Similarity::kCosine, 3), {"a", "<b>", "c"});
  size_t shapes = 0;
  for (size_t at = svg.find("<path"); at != std::string::npos; at = svg.find("<path", at + 1)) ++shapes;
  EXPECT_EQ(shapes, 63U);  // and three in the legend
  EXPECT_THAT(svg, HasSubstr("aria-label=\"Scatter chart: 60 embeddings"));
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("other classes")));
  EXPECT_THAT(draw_scatter({{{0, 0, 0}, {0, 0, 0}}, {}}, {}), Not(HasSubstr("nan")));  // all in one place
  EXPECT_EQ(draw_scatter({}, {}), "");
}

}  // namespace
}  // namespace lodestone::testing
