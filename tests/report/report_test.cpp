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

constexpr const char* kHostile = "\"><script>alert('x')</script>&\xFF";

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
                   {{{"PNGOTHER", "letter a"}, true, 0.9}, {{"PNGTHIRD", "letter b"}, false, 0.8}},
                   2}};
  input.worst = {{{"", "how do I pay?"}, {{{"", "where is my card?"}, false, 0.7}}, 1}};
  input.pairs = {0.5,
                 {{{"PNGLEFT", "Ada"}, {"PNGRIGHT", "Bob"}, 0.875}},
                 {{{"PNGDARK", "Eve"}, {"PNGLIGHT", "Eve"}, 0.125}},
                 {},
                 {}};
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
  EXPECT_THAT(html, HasSubstr("Of the neighbours that could be right, 1 of 2 are."));
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
  for (const char* part : {"Headline figures", "Curves", "Nearest neighbours", "All metrics", "Worst pairs",
                           "Score against grade", "Confused classes", "95 %", "Configuration"})
    EXPECT_THAT(html, Not(HasSubstr(part))) << part;
}

/// The titles of the cards.
std::vector<std::string> cards_of(const std::string& html) {
  const std::string opening = "card headline\"><h3>";
  std::vector<std::string> titles;
  for (size_t at = html.find(opening); at != std::string::npos; at = html.find(opening, at + 1)) {
    const size_t begin = at + opening.size();
    titles.push_back(html.substr(begin, html.find("</h3>", begin) - begin));
  }
  return titles;
}

ReportInput input_of(Subject subject, const std::vector<std::pair<const char*, double>>& metrics) {
  ReportInput input;
  input.run_name = "run";
  input.subject = subject;
  for (const auto& [name, value] : metrics) input.model.set(name, value);
  return input;
}

TEST(Report, CardsAreOfTheKindOfData) {
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  using Titles = std::vector<std::string>;
  const auto cards = [](Subject subject, const std::vector<std::pair<const char*, double>>& metrics) {
    return cards_of(render_report(input_of(subject, metrics)));
  };
  EXPECT_EQ(cards(Subject::kClasses, {{"eer", 0.1}, {"map_at_r", 0.5}, {"recall_at_1", 0.9}}),
            (Titles{"Recall at 1", "MAP at R", "Equal error rate"}));
  EXPECT_EQ(cards(Subject::kVerification,
                  {{"recall_at_1", 0.9}, {"accuracy", 0.97}, {"eer", 0.1}, {"tar_at_far_1e-3", 0.6}}),
            (Titles{"Equal error rate", "True accepts at 0.1 % false accepts", "Ten-fold accuracy",
                    "Recall at 1"}));
  EXPECT_EQ(cards(Subject::kPairs, {{"eer", 0.1}, {"recall_at_1", 0.9}, {"knn_accuracy", undefined}}),
            (Titles{"Recall at 1", "Equal error rate"}));
  EXPECT_EQ(cards(Subject::kLabelledPairs, {{"eer", 0.1}, {"accuracy", undefined}, {"roc_auc", 0.9}}),
            (Titles{"Equal error rate", "Area under the ROC curve"}));
  EXPECT_EQ(cards(Subject::kTriplets, {{"triplet_accuracy", 0.9}, {"triplets", 30}}),
            Titles{"Triplets in the right order"});
  EXPECT_EQ(
      cards(Subject::kCaptions, {{"text_to_image_recall_at_1", 0.5}, {"image_to_text_recall_at_1", 0.5}}),
      (Titles{"Image to text, recall at 1", "Text to image, recall at 1"}));
  const std::string graded = render_report(input_of(Subject::kGradedPairs, {{"spearman", 0.8125}}));
  EXPECT_EQ(cards_of(graded), Titles{"Spearman's rank correlation"});
  EXPECT_THAT(graded, HasSubstr("<p class=\"figure\">0.812</p>"));  // no share of anything
}

TEST(Report, MarksEndWithTheNeighboursThatCanBeRight) {
  ReportInput input = input_of(Subject::kPairs, {{"recall_at_1", 0.5}});
  const auto neighbour = [](const char* text, bool right) { return SheetNeighbour{{"", text}, right, 0.5}; };
  input.sample = {{{"", "first"}, {neighbour("a", true), neighbour("b", false), neighbour("c", false)}, 1},
                  {{"", "second"}, {neighbour("d", false), neighbour("e", true), neighbour("f", false)}, 1}};
  const std::string html = render_report(input);
  const auto count = [&html](const std::string& part) {
    int found = 0;
    for (size_t at = html.find(part); at != std::string::npos; at = html.find(part, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("tile right"), 2);
  EXPECT_EQ(count("tile wrong"), 1);
  EXPECT_EQ(count("tile unmarked"), 3);
  EXPECT_THAT(html, HasSubstr("1 of 2 are."));  // the nearest of the second is wrong
}

TEST(Report, CaptionsStandBesideTheirImage) {
  ReportInput input = input_of(Subject::kCaptions, {{"image_to_text_recall_at_1", 0.5}});
  input.sample = {{{"PNGBYTES", "a dog"}, {{{"", "a cat"}, false, 0.5}}, 1}};
  EXPECT_THAT(render_report(input), HasSubstr("<ol class=\"sheet of-captions\">"));
  EXPECT_THAT(render_report(full_input()), Not(HasSubstr("sheet of-captions\">")));
}

TEST(Report, ShowsTheWorstPairsWithScoreAndGrade) {
  const std::string evaluated = render_report(full_input());
  for (const char* part : {"Worst pairs", "False accepts", "a score of at least 0.5,", "False rejects",
                           "alt=\"Ada\"", "alt=\"Bob\"", "score <b>0.875</b>", "score <b>0.125</b>"})
    EXPECT_THAT(evaluated, HasSubstr(part));
  ReportInput input = input_of(Subject::kGradedPairs, {{"spearman", 0.5}});
  input.pairs = {{}, {{{"", "a dog"}, {"", "<b>no</b> dog"}, 0.9, 0.5}}, {}, {0.5, 4, 5}, {0.9, 0.7, 0.8}};
  const std::string graded = render_report(input);
  for (const char* part : {"Scored too high", "a dog", "&lt;b&gt;no&lt;/b&gt; dog", "grade <b>0.5</b>",
                           "Score against grade", "Scatter chart: score over grade, 3 pairs"})
    EXPECT_THAT(graded, HasSubstr(part));
  for (const char* part : {"False accepts", "Scored too low", "Nearest neighbours", "✓", "✗"})
    EXPECT_THAT(graded, Not(HasSubstr(part)));
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
