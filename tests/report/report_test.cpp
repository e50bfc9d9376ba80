#include "trainer/report/report.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "eval/rows_for_tests.h"
#include "trainer/eval/evaluate_rows.h"
#include "trainer/report/charts.h"
#include "trainer/report/html.h"

namespace lodestone {
using namespace eval;
using namespace report;
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kHostile = "\"><script>alert('x')</script>&\xFF";

ReportInput full_input() {
  const EvaluationResult model = evaluate_rows(clustered_rows(1, 100, 8, 25, 0.5));
  const EvaluationResult baseline = evaluate_rows(clustered_rows(1, 100, 8, 25, 2));
  ReportInput input;
  input.run_name = "typefaces";
  input.summary = "Evaluated on scripts never seen.";
  input.facts = {{"Ranks", "2"}};
  input.config_yaml = "name: typefaces\n";
  ReportSeries loss{"loss", {}, {}};
  for (int step = 0; step < 500; ++step) {
    loss.steps.push_back(step);
    loss.values.push_back(step == 77 ? std::numeric_limits<double>::quiet_NaN() : std::exp(-step / 100.0));
  }
  input.train = {loss, {"learning_rate", {0, 100, 500}, {0, 1e-3, 0}}};
  input.eval = {{"recall_at_1", {0, 250, 500}, {0.1, 0.5, 0.8}}, {"eer", {0, 250, 500}, {0.4, 0.2, 0.1}}};
  input.model = model.metrics;
  input.baseline = baseline.metrics;
  input.roc = model.roc;
  input.baseline_roc = baseline.roc;
  input.distances = model.distances;
  input.intervals = {{"recall_at_1", 0.7402, 0.7755}};
  input.recall_curve = model.retrieval.recall_curve(10);
  input.baseline_recall_curve = baseline.retrieval.recall_curve(10);
  const LabelledRows rows = clustered_rows(1, 100, 8, 25, 0.5);
  input.classes = {{{"letter o", "digit 0", 3, 4}},
                   project_sample(rows, Similarity::kCosine, 1),
                   {"A", "B", "C", "D", "E", "F"}};
  input.sample = {{{"PNGBYTES", "letter a"},
                   {{{"PNGOTHER", "letter a"}, true, 0.9}, {{"PNGTHIRD", "letter b"}, false, 0.8}}}};
  input.worst = {{{"", "how do I pay?"}, {{{"", "where is my card?"}, false, 0.7}}}};
  return input;
}

TEST(Report, HoldsWhatItMust) {
  const std::string html = render_report(full_input());
  for (const char* part : {"<!DOCTYPE html>",
                           "lang=\"en\"",
                           "<title>typefaces",
                           "Headline figures",
                           "Recall at 1",
                           "Pixels",
                           "Training loss",
                           "Retrieval",
                           "Verification",
                           "EER ",
                           "Distances of pairs",
                           "Precision and recall",
                           "Line chart: precision over recall",
                           "Recall at k",
                           "Line chart: recall at k over k",
                           "Embeddings in the plane",
                           "Scatter chart: 100 embeddings",
                           "Confused classes",
                           "digit 0",
                           "3 of 4",
                           "95 % interval",
                           "74.02 – 77.55 %",
                           "Learning rate",
                           "A fair sample",
                           "The hardest queries",
                           "All metrics",
                           "recall_at_1",
                           "tar_at_far_1e-3",
                           "name: typefaces",
                           "prefers-color-scheme: dark",
                           "max-width: 820px",
                           "Ranks",
                           "never seen"})
    EXPECT_THAT(html, HasSubstr(part));
  EXPECT_THAT(html, HasSubstr("data:image/png;base64," + base64("PNGBYTES")));
  EXPECT_THAT(html, HasSubstr("alt=\"Query: letter a\""));
  EXPECT_THAT(html, HasSubstr("alt=\"Neighbour 1: letter a, right\""));
  EXPECT_THAT(html, HasSubstr("alt=\"Neighbour 2: letter b, wrong\""));
  EXPECT_THAT(html, HasSubstr("✓"));
  EXPECT_THAT(html, HasSubstr("✗"));
  EXPECT_THAT(html, HasSubstr("Right: 1 of 2"));
  EXPECT_THAT(html, HasSubstr("where is my card?"));
}

TEST(Report, DrawsNoCurveOfOnePoint) {
  ReportInput input = full_input();
  input.train = {{"loss", {8}, {0.5}}, {"learning_rate", {8}, {1e-3}}};
  input.eval = {{"recall_at_1", {8}, {0.8}}, {"eer", {8}, {0.1}}};
  const std::string html = render_report(input);
  for (const char* chart : {"Training loss", "Learning rate", "over steps"})
    EXPECT_THAT(html, Not(HasSubstr(chart)));
  EXPECT_THAT(html, HasSubstr("Line chart: recall at k over k"));
  EXPECT_THAT(html, HasSubstr("Headline figures"));
}

TEST(Report, NeedsNoNetworkAndNoScript) {
  const std::string html = render_report(full_input());
  for (const char* part :
       {"http:", "https:", "//cdn", "<script", "<link", "@import", "url(", "href=", " onload", "nan", "{}"})
    EXPECT_THAT(html, Not(HasSubstr(part))) << part;
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST(Report, EscapesHostileText) {
  ReportInput input = full_input();
  input.run_name = input.summary = input.config_yaml = input.baseline_name = kHostile;
  input.facts = {{kHostile, kHostile}};
  input.sample[0].query.label = input.sample[0].neighbours[0].image.label = kHostile;
  input.worst[0].query.label = kHostile;
  input.classes.confused[0].from = input.classes.confused[0].to = input.classes.projected[0] = kHostile;
  input.model.set(kHostile, 1);
  const std::string html = render_report(input);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("alert('x')")));
  EXPECT_THAT(html, Not(HasSubstr("\xFF")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
}

TEST(Report, LeavesOutWhatIsMissing) {
  ReportInput input;
  input.run_name = "empty";
  const std::string html = render_report(input);
  EXPECT_THAT(html, HasSubstr("<h1>empty</h1>"));
  for (const char* part : {"Headline figures", "Curves", "Nearest neighbours", "All metrics",
                           "Confused classes", "95 %", "Configuration"})
    EXPECT_THAT(html, Not(HasSubstr(part))) << part;
}

TEST(Report, IsWrittenToItsPathAndDecidedByItsInput) {
  const TempFolder folder;
  write_report(folder.path() / "report.html", full_input());
  EXPECT_EQ(read_file(folder.path() / "report.html"), render_report(full_input()));
  EXPECT_THROW(write_report(folder.path() / "missing" / "report.html", {}), IoError);
}

TEST(Html, EscapesAndReplaces) {
  EXPECT_EQ(escape_html("a<b>&\"'\n"), "a&lt;b&gt;&amp;&quot;&#39;\n");
  EXPECT_EQ(escape_html("Ω字😀"), "Ω字😀");
  EXPECT_EQ(escape_html(std::string("\0\x1B", 2)), "\uFFFD\uFFFD");
  EXPECT_EQ(escape_html("\xC0\xAF"), "\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(escape_html("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // surrogate
  EXPECT_EQ(escape_html("x\xE5\xAD"), "x\uFFFD\uFFFD");          // cut off
}

TEST(Html, Base64KnownAnswers) {
  // RFC 4648, section 10.
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

TEST(Charts, TicksAreRoundAndWithin) {
  const AxisScale linear({"", 0, 3000}, 0, 100);
  EXPECT_EQ(linear.ticks(5), (std::vector<double>{0, 1000, 2000, 3000}));
  EXPECT_EQ(linear.tick_text(1000), "1,000");
  EXPECT_DOUBLE_EQ(linear.place(750), 25);
  const AxisScale rates({"", 1e-3, 1, true, true}, 0, 90);
  ASSERT_EQ(rates.ticks(5).size(), 4U);
  EXPECT_EQ(rates.tick_text(rates.ticks(5)[0]), "0.1 %");
  EXPECT_NEAR(rates.place(1e-2), 30, 1e-9);
  EXPECT_DOUBLE_EQ(rates.place(0), 0);
}

TEST(Charts, StandOneValueAndNone) {
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  const ChartAxis axis{"Step", undefined, undefined};
  EXPECT_THAT(draw_chart({"d", axis, axis, {{"one", {5}, {5}}}, {}}), HasSubstr("<circle"));
  EXPECT_THAT(draw_chart({"d", axis, axis, {}, {}}), Not(HasSubstr("nan")));
  EXPECT_THAT(draw_chart({"d", axis, axis, {{"none", {1, 2}, {undefined, undefined}}}, {}}),
              Not(HasSubstr("nan")));
  EXPECT_EQ(draw_histogram({}), "");
}

}  // namespace
}  // namespace lodestone
