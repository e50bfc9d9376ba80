#include "trainer/report/charts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/text_format.h"
#include "trainer/report/html.h"

namespace lodestone::report {

namespace {

// In units of the drawing; the margins fit the larger text of narrow screens.
constexpr double kWidth = 480;
constexpr double kHeight = 300;
constexpr double kLeft = 62;
constexpr double kRight = 450;
constexpr double kTop = 16;
constexpr double kBottom = 246;

// A frame with its axes; what is added later is drawn on top.
class Drawing {
 public:
  Drawing(const ChartAxis& x, const ChartAxis& y, const std::string& description)
      : x_(x, kLeft, kRight), y_(y, kBottom, kTop) {
    svg_ = fill(R"(<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">)",
                {decimal(kWidth, 0), decimal(kHeight, 0), escape_html(description)});
    for (double tick : y_.ticks(5)) {
      const double at = y_.place(tick);
      line("grid", kLeft, at, kRight, at);
      text("tick", kLeft - 8, at + 4, "end", y_.tick_text(tick));
    }
    for (double tick : x_.ticks(5)) {
      const double at = x_.place(tick);
      line("tickmark", at, kBottom, at, kBottom + 5);
      text("tick", at, kBottom + 20, "middle", x_.tick_text(tick));
    }
    line("axis", kLeft, kBottom, kRight, kBottom);
    text("axis-title", (kLeft + kRight) / 2, kHeight - 8, "middle", x.title);
  }

  void path(const std::string& classes, const std::vector<std::pair<double, double>>& points,
            bool closed = false) {
    std::string moves;
    for (const auto& [x, y] : points) {
      if (!std::isfinite(x) || !std::isfinite(y)) continue;
      moves += fill("{}{} {}", {moves.empty() ? "M" : "L", decimal(x_.place(x), 1), decimal(y_.place(y), 1)});
    }
    if (moves.empty()) return;
    svg_ += fill(R"(<path class="{}" d="{}{}"/>)", {classes, moves, closed ? "Z" : ""});
  }

  void dot(const std::string& classes, double x, double y, double radius = 4.5) {
    svg_ += fill(R"(<circle class="{}" cx="{}" cy="{}" r="{}"/>)",
                 {classes, decimal(x_.place(x), 1), decimal(y_.place(y), 1), decimal(radius, 1)});
  }

  void mark(const ChartMark& mark) {
    dot("mark", mark.x, mark.y);
    const double at = x_.place(mark.x);
    const bool left = at > (kLeft + kRight) / 2;
    text("mark-text", at + (left ? -12 : 12), y_.place(mark.y) + 16, left ? "end" : "start", mark.text);
  }

  std::string finish() { return svg_ + "</svg>"; }

 private:
  void line(const char* classes, double x1, double y1, double x2, double y2) {
    svg_ += fill(R"(<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>)",
                 {classes, decimal(x1, 1), decimal(y1, 1), decimal(x2, 1), decimal(y2, 1)});
  }

  void text(const char* classes, double x, double y, const char* anchor, const std::string& words) {
    svg_ += fill(R"(<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>)",
                 {classes, decimal(x, 1), decimal(y, 1), anchor, escape_html(words)});
  }

  AxisScale x_;
  AxisScale y_;
  std::string svg_;
};

std::string legend_item(const std::string& classes, const std::string& name) {
  return fill(R"(<li><span class="key {}"></span>{}</li>)", {classes, escape_html(name)});
}

std::vector<std::pair<double, double>> steps_of(const std::vector<double>& shares, double low, double width) {
  std::vector<std::pair<double, double>> outline = {{low, 0}};
  for (size_t k = 0; k < shares.size(); ++k) {
    outline.emplace_back(low + static_cast<double>(k) * width, shares[k]);
    outline.emplace_back(low + static_cast<double>(k + 1) * width, shares[k]);
  }
  outline.emplace_back(low + static_cast<double>(shares.size()) * width, 0);
  return outline;
}

}  // namespace

std::string draw_chart(const Chart& chart) {
  std::vector<double> all_x;
  std::vector<double> all_y;
  for (const ChartLine& line : chart.lines) {
    all_x.insert(all_x.end(), line.x.begin(), line.x.end());
    all_y.insert(all_y.end(), line.y.begin(), line.y.end());
  }
  Drawing drawing(fit_axis(chart.x, all_x), fit_axis(chart.y, all_y), chart.description);
  std::string legend;
  for (const ChartLine& line : chart.lines) {
    const std::string classes = fill(
        "c{}{}{}", {std::to_string(line.colour), line.dashed ? " dashed" : "", line.faint ? " faint" : ""});
    std::vector<std::pair<double, double>> points;
    for (size_t k = 0; k < std::min(line.x.size(), line.y.size()); ++k)
      points.emplace_back(line.x[k], line.y[k]);
    if (line.points) {
      for (const auto& [x, y] : points) drawing.dot("point " + classes, x, y, 2.5);
      continue;
    }
    drawing.path("line " + classes, points);
    // A line of one point would be invisible; a short one is clearer with its points.
    if (points.size() <= 12 && !line.dashed)
      for (const auto& [x, y] : points)
        if (std::isfinite(x) && std::isfinite(y)) drawing.dot("dot " + classes, x, y);
    legend += legend_item(classes, line.name);
  }
  for (const ChartMark& mark : chart.marks) drawing.mark(mark);
  return drawing.finish() + (chart.lines.size() > 1 ? "<ul class=\"legend\">" + legend + "</ul>" : "");
}

std::string draw_histogram(const eval::DistanceHistogram& histogram) {
  const size_t bins = std::max(histogram.positives.size(), histogram.negatives.size());
  if (bins == 0) return {};
  std::vector<double> shares = histogram.positives;
  shares.insert(shares.end(), histogram.negatives.begin(), histogram.negatives.end());
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  const ChartAxis x = {"Distance between two samples", histogram.low, histogram.high};
  const ChartAxis y = fit_axis({"Share of pairs", 0, undefined, false, true}, shares);
  Drawing drawing(x, y, "Histogram: distances of pairs that are the same against those of pairs that differ");
  const double width = (histogram.high - histogram.low) / static_cast<double>(bins);
  drawing.path("area c2", steps_of(histogram.negatives, histogram.low, width), true);
  drawing.path("area c1", steps_of(histogram.positives, histogram.low, width), true);
  return drawing.finish() + "<ul class=\"legend\">" + legend_item("c1 block", "The same") +
         legend_item("c2 block", "Different") + "</ul>";
}

}  // namespace lodestone::report
