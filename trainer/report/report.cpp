#include "trainer/report/report.h"

#include <algorithm>
#include <cmath>

#include "common/files.h"
#include "common/text_format.h"
#include "trainer/report/html.h"
#include "trainer/report/image_sheet.h"
#include "trainer/report/pair_sheet.h"
#include "trainer/report/report_charts.h"
#include "trainer/report/report_style.h"

namespace lodestone::report {

namespace {

// The lodestone: a horseshoe magnet.
constexpr const char* kMark =
    R"(<svg class="logo" viewBox="0 0 32 32" aria-hidden="true">)"
    R"(<path class="arch" d="M6 26V15a10 10 0 0 1 20 0v11h-6V15a4 4 0 0 0-8 0v11z"/>)"
    R"(<path class="poles" d="M6 21h6v5H6zM20 21h6v5h-6z"/></svg>)";

std::string difference(const eval::Metric& metric, double model, double baseline) {
  if (metric.kind == eval::Metric::Kind::kCount) return {};
  const double gap = model - baseline;
  const char* sign = gap < 0 ? "−" : "+";
  const std::string text = metric.kind == eval::Metric::Kind::kRate
                               ? decimal(100 * std::abs(gap), 1) + " points"
                               : decimal(std::abs(gap), 3);
  const char* verdict = gap * metric.better > 0 ? "better" : gap * metric.better < 0 ? "worse" : "";
  return fill(R"(<span class="{}">{}{}</span>)", {verdict, sign, text});
}

std::string head(const ReportInput& input) {
  // The content security policy ensures that nothing is loaded from anywhere.
  return fill(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
      "<title>{} · Lodestone report</title>\n<style>\n{}</style>\n</head>\n",
      {escape_html(input.run_name), report_style()});
}

std::string masthead(const ReportInput& input) {
  std::string html = fill("<header><p class=\"brand\">{}Lodestone <span>run report</span></p>\n<h1>{}</h1>\n",
                          {kMark, escape_html(input.run_name)});
  if (!input.summary.empty()) html += fill("<p class=\"summary\">{}</p>\n", {escape_html(input.summary)});
  if (!input.facts.empty()) {
    html += "<dl class=\"facts\">";
    for (const auto& [name, value] : input.facts)
      html += fill("<div><dt>{}</dt><dd>{}</dd></div>", {escape_html(name), escape_html(value)});
    html += "</dl>\n";
  }
  return html + "</header>\n";
}

// A bar with the baseline as a notch; error rates use the scale 0 … 50 %, where 50 % is chance, all others
// 0 … 1.
std::string bar(const eval::Metric& metric, double model, std::optional<double> baseline) {
  const double scale = metric.better < 0 ? 200 : 100;
  const auto width = [scale](double value) { return std::clamp(scale * value, 0.0, 100.0); };
  std::string html =
      fill(R"(<div class="bar" aria-hidden="true"><i style="width:{}%"></i>)", {decimal(width(model), 1)});
  if (baseline) html += fill(R"(<b style="left:{}%"></b>)", {decimal(width(*baseline), 1)});
  return html + "</div>";
}

std::string headline_card(const eval::Metric& metric, double model, const ReportInput& input) {
  const auto baseline = input.baseline.find(metric.name);
  std::string beside;
  if (baseline) {
    beside = fill(R"(<p class="beside">{} {} · {}</p>)",
                  {escape_html(input.baseline_name), eval::format_metric(metric, *baseline),
                   difference(metric, model, *baseline)});
  }
  const std::string figure = metric.kind == eval::Metric::Kind::kRate
                                 ? decimal(100 * model, 1) + "<small>&nbsp;%</small>"
                                 : eval::format_metric(metric, model);
  return fill(
      "<div class=\"card headline\"><h3>{}</h3><p class=\"figure\">{}</p>{}{}<p "
      "class=\"meaning\">{}</p></div>\n",
      {metric.title, figure, bar(metric, model, baseline), beside, metric.meaning});
}

std::string headlines(const ReportInput& input) {
  std::string cards;
  for (const eval::Metric& metric : eval::headline_of(input.subject, input.model))
    cards += headline_card(metric, *input.model.find(metric.name), input);
  if (cards.empty()) return {};
  return "<section aria-labelledby=\"figures\"><h2 id=\"figures\">Headline figures</h2>\n<div "
         "class=\"headlines\">\n" +
         cards + "</div></section>\n";
}

std::string charts(const ReportInput& input) {
  const std::string figures = draw_report_charts(input);
  if (figures.empty()) return {};
  return "<section aria-labelledby=\"charts\"><h2 id=\"charts\">Curves</h2>\n<div class=\"charts\">\n" +
         figures + "</div></section>\n";
}

std::string sheet_part(const char* title, const std::string& text, const std::vector<SheetRow>& rows) {
  if (rows.empty()) return {};
  return fill("<h3>{}</h3><p class=\"note\">{}</p>\n{}", {title, text, draw_image_sheet(rows)});
}

std::string sheet(const ReportInput& input) {
  if (input.sample.empty() && input.worst.empty()) return {};
  return "<section aria-labelledby=\"sheet\"><h2 id=\"sheet\">Nearest neighbours</h2>\n<p "
         "class=\"note\">Each query comes first; to its right are the samples the model finds nearest, "
         "nearest first. <span class=\"verdict right\">✓ right</span> belongs to the query, <span "
         "class=\"verdict wrong\">✗ wrong</span> does not. Where fewer belong to the query than are shown, "
         "those beyond their number have no mark.</p>\n" +
         sheet_part(
             "A fair sample",
             "Queries chosen by a seed before anything was scored. Of the neighbours that could be right, " +
                 count_right(input.sample) + " are.",
             input.sample) +
         sheet_part("The hardest queries",
                    "Queries whose nearest sample is wrong, those first where it beats the nearest right one "
                    "by most; one query of those that belong together.",
                    input.worst) +
         "</section>\n";
}

std::string confusion_section(const ReportInput& input) {
  if (input.classes.confused.empty()) return {};
  std::string rows;
  for (const ReportConfusion& one : input.classes.confused) {
    const double share =
        one.queries > 0 ? 100.0 * static_cast<double>(one.count) / static_cast<double>(one.queries) : 0;
    rows += fill(
        "<tr><th scope=\"row\">{}</th><td class=\"name\">{}</td><td>{} of {}</td><td "
        "class=\"gap\">{}</td></tr>\n",
        {escape_html(one.from), escape_html(one.to), std::to_string(one.count), std::to_string(one.queries),
         fill(R"(<div class="bar" aria-hidden="true"><i style="width:{}%"></i></div>)",
              {decimal(share, 1)})});
  }
  return "<section aria-labelledby=\"confused\"><h2 id=\"confused\">Confused classes</h2>\n<p "
         "class=\"note\">Of the queries of a class, how many have their nearest sample in the other class; "
         "the most frequent first.</p>\n<div class=\"card table confused\"><table><thead><tr><th "
         "scope=\"col\">Class</th><th scope=\"col\" class=\"name\">Confused with</th><th "
         "scope=\"col\">Queries</th><th scope=\"col\" class=\"gap\">Share</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table></div></section>\n";
}

std::string metrics_section(const ReportInput& input) {
  if (input.model.empty()) return {};
  const bool has_baseline = !input.baseline.empty();
  std::string rows;
  for (const auto& [name, value] : input.model.entries()) {
    const eval::Metric metric = eval::find_metric(name);
    const std::string title = *metric.title == '\0' ? name : metric.title;
    rows += fill("<tr><th scope=\"row\">{} <code>{}</code></th><td>{}</td>",
                 {escape_html(title), escape_html(name), eval::format_metric(metric, value)});
    const eval::Interval* interval = eval::find_interval(input.intervals, name);
    if (!input.intervals.empty())
      rows += fill("<td class=\"interval\">{}</td>",
                   {interval != nullptr ? eval::format_interval(metric, *interval) : ""});
    const auto baseline = input.baseline.find(name);
    if (has_baseline) {
      rows += fill("<td>{}</td><td class=\"gap\">{}</td>",
                   {baseline ? eval::format_metric(metric, *baseline) : "",
                    baseline && !std::isnan(value) ? difference(metric, value, *baseline) : ""});
    }
    rows += "</tr>\n";
  }
  const std::string interval_head =
      input.intervals.empty() ? "" : "<th scope=\"col\" class=\"interval\">95 % interval</th>";
  const std::string baseline_heads =
      has_baseline ? fill("<th scope=\"col\">{}</th><th scope=\"col\" class=\"gap\">Difference</th>",
                          {escape_html(input.baseline_name)})
                   : "";
  const char* retrieval =
      input.model.find("lone_queries")
          ? " A sample is never its own neighbour; one without another that belongs to it "
            "is left out."
          : "";
  return fill(
      "<section aria-labelledby=\"measures\"><h2 id=\"measures\">All metrics</h2>\n<p class=\"note\">Ties "
      "count against the model.{}</p>\n<div class=\"card table\"><table><thead><tr><th "
      "scope=\"col\">Metric</th><th "
      "scope=\"col\">Model</th>{}{}</tr></thead>\n<tbody>\n{}</tbody></table></div></section>\n",
      {retrieval, interval_head, baseline_heads, rows});
}

std::string configuration(const ReportInput& input) {
  if (input.config_yaml.empty()) return {};
  return fill(
      "<section aria-labelledby=\"config\"><h2 id=\"config\">Configuration</h2>\n<details "
      "class=\"card\"><summary>The resolved "
      "configuration of this run</summary><pre tabindex=\"0\">{}</pre></details></section>\n",
      {escape_html(input.config_yaml)});
}

}  // namespace

std::string render_report(const ReportInput& input) {
  return head(input) + "<body>\n<main>\n" + masthead(input) + headlines(input) + charts(input) +
         sheet(input) + draw_pair_sheet(input.pairs) + confusion_section(input) + metrics_section(input) +
         configuration(input) + "</main>\n</body>\n</html>\n";
}

void write_report(const std::filesystem::path& path, const ReportInput& input) {
  write_file_atomic(path, render_report(input));
}

}  // namespace lodestone::report
