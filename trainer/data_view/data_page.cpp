#include "trainer/data_view/data_page.h"

#include <algorithm>

#include "common/text_format.h"
#include "trainer/data_view/fact_rows.h"
#include "trainer/data_view/sample_sheets.h"
#include "trainer/report/html.h"
#include "trainer/report/page_head.h"

namespace lodestone::data_view {

namespace {

constexpr const char* kStyle = R"(
.warnings { margin: 0; padding: 16px 18px 16px 36px; }
.warnings li { margin: 4px 0; overflow-wrap: anywhere; }
.table th:first-child { width: 24%; }
.table th, .table td { text-align: left; vertical-align: top; }
.table td { white-space: normal; overflow-wrap: anywhere; }
.gap-above { margin-top: 18px; }
.problem { margin: 0; color: var(--bad); font-size: 0.8rem; overflow-wrap: anywhere; }
.strip { margin: 0 0 12px; padding: 12px 14px; min-width: 0; }
.strip h3 { overflow-wrap: anywhere; }
.looks { display: grid; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); gap: 10px; }
.card.looks { margin: 0 0 12px; }
.look { margin: 0; min-width: 0; text-align: center; }
.look img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--grid); border-radius: 6px; }
.look.seen img { image-rendering: pixelated; outline: 1px solid var(--line); }
.look figcaption { margin-top: 3px; color: var(--soft); font-size: 0.72rem; line-height: 1.25; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.columns .looks { grid-template-columns: repeat(auto-fit, minmax(64px, 112px)); }
.columns .look figcaption { white-space: normal; overflow-wrap: anywhere; }
.table tbody:first-child tr:first-child > * { border-top: 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 0 12px; }
.beside { display: grid; grid-template-columns: 112px minmax(0, 1fr); gap: 14px; }
.words { padding: 6px 0; border-top: 1px solid var(--grid); }
.words:first-of-type { border-top: 0; }
.said { margin: 0 0 3px; overflow-wrap: anywhere; }
.tokens { font: 0.78rem/1.9 ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; color: var(--soft); overflow-wrap: anywhere; }
.tokens i { display: inline-block; max-width: 100%; line-height: 1.5; font-style: normal; padding: 1px 5px; margin-right: 3px; border-radius: 4px; background: var(--grid); color: var(--ink); white-space: pre-wrap; }
.tokens .unknown, .tokens b { color: var(--bad); }
)";

std::string section(const char* id, const std::string& title, const std::string& content) {
  return content.empty() ? ""
                         : fill("<section aria-labelledby=\"{}\"><h2 id=\"{}\">{}</h2>\n{}</section>\n",
                                {id, id, report::escape_html(title), content});
}

std::string warnings(const DataFacts& facts) {
  if (facts.warnings.empty()) return "<p class=\"note\">Nothing was found wrong with these data.</p>\n";
  std::string items;
  for (const std::string& warning : facts.warnings)
    items += "<li>" + report::escape_html(warning) + "</li>\n";
  return "<ul class=\"card warnings\">\n" + items + "</ul>\n";
}

// The value of a fact; several of one name, as reasons, are joined.
std::string value_of(const std::vector<FactRow>& rows, const std::string& name) {
  std::string value;
  for (const FactRow& row : rows)
    if (row.first == name) value += (value.empty() ? "" : "; ") + row.second;
  return value;
}

std::string fact_table(const Sides& sides, const DataFacts& facts) {
  const std::vector<FactRow> training = rows_of(sides.training, facts.training);
  const std::vector<FactRow> evaluation =
      facts.evaluation ? rows_of(*sides.evaluation, *facts.evaluation) : std::vector<FactRow>{};
  std::vector<std::string> names;
  for (const auto* rows : {&training, &evaluation})
    for (const FactRow& row : *rows)
      if (std::ranges::find(names, row.first) == names.end()) names.push_back(row.first);
  std::string body;
  for (const std::string& name : names) {
    body += "<tr><th scope=\"row\">" + report::escape_html(name) + "</th><td>" +
            report::escape_html(value_of(training, name)) + "</td>";
    if (facts.evaluation) body += "<td>" + report::escape_html(value_of(evaluation, name)) + "</td>";
    body += "</tr>\n";
  }
  return fill(
      "<div class=\"card table\"><table><thead><tr><th scope=\"col\">Fact</th><th "
      "scope=\"col\">Training</th>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
      {facts.evaluation ? "<th scope=\"col\">Evaluation</th>" : "", body});
}

std::string pairs(const std::string& title, const Side& first, const Side& second,
                  const std::vector<SamplePair>& found, bool rows = false) {
  if (found.empty()) return "";
  return fill("<h3 class=\"gap-above\">{}</h3>\n", {title}) + pair_sheet(first, second, found, rows);
}

// Copies within a side; those in two classes come first.
std::string copies(const Side& side, const SideFacts& facts) {
  return pairs("Copies within the " + side.name + " data", side, side, facts.duplicates.examples,
               side.has_rows());
}

std::string common(const Sides& sides, const DataFacts& facts) {
  if (!facts.common) return "";
  std::string body;
  for (const auto& [name, value] : rows_of(sides, *facts.common))
    body += fill("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                 {report::escape_html(name), report::escape_html(value)});
  std::string html = "<div class=\"card table\"><table><tbody>\n" + body + "</tbody></table></div>\n";
  const Side &training = sides.training, &evaluation = *sides.evaluation;
  html += pairs("In both", training, evaluation, facts.common->copies.examples);
  html += pairs("Look alike", training, evaluation, facts.common->look_alikes.examples);
  return html;
}

}  // namespace

std::string data_page(const std::string& name, const run::RunConfig& config, const Sides& sides,
                      const DataFacts& facts) {
  std::string html =
      report::page_head(name + " · Lodestone data", kStyle) + "<body>\n<main>\n" +
      fill("<header><p class=\"brand\">Lodestone <span>data</span></p>\n<h1>{}</h1>\n</header>\n",
           {report::escape_html(name)});
  html += section("warnings", "Warnings", warnings(facts));
  std::string held = fact_table(sides, facts) + copies(sides.training, facts.training);
  if (facts.evaluation) held += copies(*sides.evaluation, *facts.evaluation);
  html += section("facts", "What the data hold", held);
  html += section("common", "Training and evaluation", common(sides, facts));
  if (sides.data) html += section("batch", "What the encoder gets", batch_sheet(config, *sides.data));
  html += section("training", "Training samples", sample_sheet(config, sides.training));
  if (sides.evaluation)
    html += section("evaluation", "Evaluation samples", sample_sheet(config, *sides.evaluation));
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace lodestone::data_view
