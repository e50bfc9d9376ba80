#include "trainer/report/report_charts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/text_format.h"
#include "trainer/eval/retrieval_metrics.h"
#include "trainer/report/charts.h"
#include "trainer/report/html.h"
#include "trainer/report/scatter.h"

namespace lodestone::report {

namespace {

constexpr double kFromData = std::numeric_limits<double>::quiet_NaN();
const eval::Metric kPerCent = {"", "", eval::Metric::Kind::kRate, 0};

// One point is no curve; its value is among the numbers of the report.
bool spans_steps(const ReportSeries& series) {
  if (series.steps.empty()) return false;
  const auto [first, last] = std::minmax_element(series.steps.begin(), series.steps.end());
  return *first < *last;
}

const ReportSeries* find_series(const std::vector<ReportSeries>& all, std::string_view name) {
  for (const ReportSeries& series : all)
    if (series.name == name && spans_steps(series)) return &series;
  return nullptr;
}

std::string figure(const std::string& title, const std::string& drawing, const std::string& reading) {
  if (drawing.empty()) return {};
  return fill("<figure class=\"card\"><h3>{}</h3>{}<figcaption>{}</figcaption></figure>\n",
              {escape_html(title), drawing, escape_html(reading)});
}

// The mean of the values in each of at most `buckets` equal ranges of the series.
ChartLine averaged(const ReportSeries& series, size_t buckets, std::string name) {
  ChartLine line{std::move(name), {}, {}};
  const size_t count = std::min(series.steps.size(), series.values.size());
  const size_t width = std::max<size_t>(1, (count + buckets - 1) / buckets);
  for (size_t start = 0; start < count; start += width) {
    double steps = 0;
    double values = 0;
    double finite = 0;
    for (size_t k = start; k < std::min(count, start + width); ++k) {
      if (!std::isfinite(series.values[k])) continue;
      steps += series.steps[k];
      values += series.values[k];
      ++finite;
    }
    if (finite == 0) continue;
    line.x.push_back(steps / finite);
    line.y.push_back(values / finite);
  }
  return line;
}

std::string loss_chart(const ReportInput& input) {
  const ReportSeries* loss = find_series(input.train, "loss");
  if (loss == nullptr) return {};
  Chart chart{"Line chart: training loss over steps",
              {"Step", kFromData, kFromData},
              {"Loss", kFromData, kFromData},
              {},
              {}};
  if (loss->steps.size() > 80) {
    chart.lines.push_back(averaged(*loss, 400, "Loss"));
    chart.lines.back().faint = true;
    chart.lines.push_back(averaged(*loss, 40, "Loss, averaged"));
  } else {
    chart.lines.push_back(averaged(*loss, 400, "Loss"));
  }
  return figure("Training loss", draw_chart(chart),
                "Lower is better. The scale depends on the loss and its miner.");
}

// Metrics over steps, each with its baseline, if any, as a dashed line.
std::string eval_chart(const ReportInput& input, const std::string& title,
                       const std::vector<std::string>& names, double low, double high,
                       const std::string& reading) {
  Chart chart{"Line chart: " + title + " over steps",
              {"Step", kFromData, kFromData},
              {"", low, high, false, true},
              {},
              {}};
  double first = std::numeric_limits<double>::infinity();
  double last = -first;
  for (const std::string& name : names) {
    const ReportSeries* series = find_series(input.eval, name);
    if (series == nullptr) continue;
    chart.lines.push_back({eval::find_metric(name).title, series->steps, series->values,
                           static_cast<int>(chart.lines.size()) + 1});
    first = std::min(first, *std::min_element(series->steps.begin(), series->steps.end()));
    last = std::max(last, *std::max_element(series->steps.begin(), series->steps.end()));
  }
  if (chart.lines.empty()) return {};
  if (const auto baseline = input.baseline.find(names.front())) {
    const std::string name = input.baseline_name + ", " + eval::find_metric(names.front()).title;
    chart.lines.push_back({name, {first, last}, {*baseline, *baseline}, 3, true});
  }
  return figure(title, draw_chart(chart), reading);
}

// The metrics of queries are rates between 0 and 1 and share a chart.
std::string retrieval_chart(const ReportInput& input) {
  std::vector<std::string> names;
  for (const eval::RetrievalMetric& metric : eval::retrieval_metrics())
    if (metric.shown.followed) names.emplace_back(metric.shown.name);
  return eval_chart(input, "Retrieval", names, 0, 1, "Share of queries, on the evaluated split.");
}

// Each other metric has a chart of its own.
std::string other_eval_charts(const ReportInput& input) {
  std::string charts;
  for (const eval::Metric& metric : eval::followed_metrics()) {
    const auto is_this = [&](const eval::RetrievalMetric& row) {
      return std::string_view(row.shown.name) == metric.name;
    };
    if (std::ranges::any_of(eval::retrieval_metrics(), is_this)) continue;
    charts += eval_chart(input, metric.title, {metric.name},
                         metric.kind == eval::Metric::Kind::kReal ? kFromData : 0, kFromData,
                         metric.better < 0 ? "Lower is better." : "Higher is better.");
  }
  return charts;
}

ChartLine roc_line(const std::vector<eval::RocPoint>& curve, std::string name, double lowest_far) {
  ChartLine line{std::move(name), {}, {}};
  for (const eval::RocPoint& point : eval::thin_roc(curve)) {
    line.x.push_back(std::max(point.far, lowest_far));
    line.y.push_back(point.tar);
  }
  return line;
}

std::string roc_chart(const ReportInput& input) {
  if (input.roc.empty()) return {};
  // The first decade in which the curve has points, at least 1 % and at most 0.001 %.
  double smallest = 1;
  for (const eval::RocPoint& point : input.roc)
    if (point.far > 0) smallest = std::min(smallest, point.far);
  const double lowest = std::pow(10, std::floor(std::log10(std::clamp(smallest, 1e-5, 1e-2)) + 1e-9));
  Chart chart{"Line chart: true accept rate over false accept rate",
              {"False accept rate (logarithmic)", lowest, 1, true, true},
              {"True accept rate", 0, 1, false, true},
              {roc_line(input.roc, "Model", lowest)},
              {}};
  if (!input.baseline_roc.empty()) {
    chart.lines.push_back(roc_line(input.baseline_roc, input.baseline_name, lowest));
    chart.lines.back().colour = 3;
    chart.lines.back().dashed = true;
  }
  const double eer = eval::equal_error_rate(input.roc);
  chart.marks.push_back({std::max(eer, lowest), 1 - eer, "EER " + eval::format_metric(kPerCent, eer)});
  return figure(
      "Verification", draw_chart(chart),
      "Same or not? How many true pairs are accepted, over how many false ones slip in. The dot is the "
      "equal error rate.");
}

// Precision at a point of the ROC curve, given the number of compared pairs of each kind; the curve begins at
// the first point's precision.
ChartLine precision_line(const std::vector<eval::RocPoint>& curve, const eval::Metrics& metrics,
                         std::string name) {
  ChartLine line{std::move(name), {}, {}};
  const double positives = metrics.find("positive_pairs").value_or(0),
               negatives = metrics.find("negative_pairs").value_or(0);
  for (const eval::RocPoint& point : eval::thin_roc(curve)) {
    const double accepted = point.tar * positives, falsely = point.far * negatives;
    if (!(accepted + falsely > 0)) continue;
    const double precision = accepted / (accepted + falsely);
    if (line.x.empty()) {
      line.x.push_back(0);
      line.y.push_back(precision);
    }
    line.x.push_back(point.tar);
    line.y.push_back(precision);
  }
  return line;
}

std::string precision_chart(const ReportInput& input) {
  if (input.roc.empty()) return {};
  Chart chart{"Line chart: precision over recall of pairs",
              {"Recall: share of true pairs accepted", 0, 1, false, true},
              {"Precision", 0, 1, false, true},
              {precision_line(input.roc, input.model, "Model")},
              {}};
  if (!input.baseline_roc.empty()) {
    chart.lines.push_back(precision_line(input.baseline_roc, input.baseline, input.baseline_name));
    chart.lines.back().colour = 3;
    chart.lines.back().dashed = true;
  }
  return figure("Precision and recall", draw_chart(chart),
                "Of the pairs accepted as the same, how many are; among the pairs that were compared. "
                "The last point accepts all.");
}

ChartLine recall_line(const std::vector<double>& curve, std::string name) {
  ChartLine line{std::move(name), {}, {}};
  for (size_t k = 0; k < curve.size(); ++k) {
    line.x.push_back(static_cast<double>(k + 1));
    line.y.push_back(curve[k]);
  }
  return line;
}

std::string recall_chart(const ReportInput& input) {
  if (input.recall_curve.size() < 2) return {};
  Chart chart{
      "Line chart: recall at k over k",
      {"k, nearest samples looked at (logarithmic)", 1, static_cast<double>(input.recall_curve.size()), true},
      {"Recall at k", 0, 1, false, true},
      {recall_line(input.recall_curve, "Model")},
      {}};
  if (!input.baseline_recall_curve.empty()) {
    chart.lines.push_back(recall_line(input.baseline_recall_curve, input.baseline_name));
    chart.lines.back().colour = 3;
    chart.lines.back().dashed = true;
  }
  return figure("Recall at k", draw_chart(chart),
                "Share of queries with a sample that belongs to them among the k nearest.");
}

// At most about 1,500 points, evenly from all pairs.
std::string grade_chart(const PairView& pairs) {
  if (pairs.grades.size() < 2) return {};
  const size_t stride = (pairs.grades.size() + 1499) / 1500;
  ChartLine line{"Pair", {}, {}};
  line.points = true;
  for (size_t p = 0; p < pairs.grades.size(); p += stride) {
    line.x.push_back(pairs.grades[p]);
    line.y.push_back(pairs.scores[p]);
  }
  const std::string shown = eval::with_thousands(static_cast<int64_t>(line.x.size()));
  return figure("Score against grade",
                draw_chart({"Scatter chart: score over grade, " + shown + " pairs",
                            {"Grade, by people", kFromData, kFromData},
                            {"Score", kFromData, kFromData},
                            {line},
                            {}}),
                "A point for each of " + shown +
                    " pairs. The better the order of scores agrees with that of grades, "
                    "the nearer the points lie to one rising line.");
}

std::string projection_chart(const ReportInput& input) {
  return figure("Embeddings in the plane", draw_scatter(input.classes.projection, input.classes.projected),
                "A sample of embeddings along the two directions in which they vary most (principal "
                "components); a few classes, drawn "
                "by a seed, stand out. What lies together here may still lie apart in the other directions.");
}

std::string rate_chart(const ReportInput& input) {
  const ReportSeries* rate = find_series(input.train, "learning_rate");
  if (rate == nullptr || rate->steps.size() < 2) return {};
  const Chart chart{"Line chart: learning rate over steps",
                    {"Step", kFromData, kFromData},
                    {"Learning rate", 0, kFromData},
                    {averaged(*rate, 400, "Learning rate")},
                    {}};
  return figure("Learning rate", draw_chart(chart), "Warm-up and decay as they happened.");
}

}  // namespace

std::string draw_report_charts(const ReportInput& input) {
  return loss_chart(input) + retrieval_chart(input) + recall_chart(input) + roc_chart(input) +
         precision_chart(input) +
         figure("Distances of pairs", draw_histogram(input.distances),
                "The less the two overlap, the better one threshold tells them apart.") +
         grade_chart(input.pairs) + other_eval_charts(input) + rate_chart(input) + projection_chart(input);
}

}  // namespace lodestone::report
