#include "trainer/report/scatter.h"

#include <algorithm>
#include <array>

#include "common/text_format.h"
#include "trainer/report/html.h"

namespace lodestone::report {

namespace {

constexpr double kWidth = 480;
constexpr double kHeight = 300;
constexpr double kMargin = 14;

// Paths about (0, 0): a small dot for other classes, then a shape for each highlighted class, so that colour
// is not the only difference.
constexpr std::array<const char*, 7> kShapes = {"M-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
                                                "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0",
                                                "M-4-4h8v8h-8z",
                                                "M0-5.5L5 4h-10z",
                                                "M0-5.5L5.5 0L0 5.5L-5.5 0z",
                                                "M0 5.5L5-4h-10z",
                                                "M-1.6-5h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4v-3.2h3.4z"};

std::string shape(int64_t kind, double x, double y) {
  return fill(R"svg(<path class="k{}" transform="translate({} {})" d="{}"/>)svg",
              {std::to_string(kind), decimal(x, 1), decimal(y, 1), kShapes[static_cast<size_t>(kind)]});
}

std::string legend_item(int64_t kind, const std::string& name) {
  return fill(R"(<li><svg class="shape" viewBox="-7 -7 14 14" aria-hidden="true">{}</svg>{}</li>)",
              {shape(kind, 0, 0), escape_html(name)});
}

}  // namespace

std::string draw_scatter(const eval::Projection& projection, const std::vector<std::string>& names) {
  if (projection.rows.size() < 2) return {};
  const auto [left, right] = std::minmax_element(projection.rows.begin(), projection.rows.end(),
                                                 [](const auto& a, const auto& b) { return a.x < b.x; });
  const auto [low, high] = std::minmax_element(projection.rows.begin(), projection.rows.end(),
                                               [](const auto& a, const auto& b) { return a.y < b.y; });
  // One scale for both axes, so that distances are not distorted.
  const double wide = std::max(right->x - left->x, 1e-12), tall = std::max(high->y - low->y, 1e-12);
  const double scale = std::min((kWidth - 2 * kMargin) / wide, (kHeight - 2 * kMargin) / tall);
  const double middle_x = (right->x + left->x) / 2, middle_y = (high->y + low->y) / 2;
  std::string svg = fill(R"(<svg class="chart scatter" viewBox="0 0 {} {}" role="img" aria-label="{}">)",
                         {decimal(kWidth, 0), decimal(kHeight, 0),
                          escape_html("Scatter chart: " + std::to_string(projection.rows.size()) +
                                      " embeddings in the plane; classes that stand out: " + joined(names))});
  bool others = false;
  for (const eval::ProjectedRow& row : projection.rows) {
    others = others || row.kind == 0;
    svg += shape(row.kind, kWidth / 2 + (row.x - middle_x) * scale, kHeight / 2 - (row.y - middle_y) * scale);
  }
  std::string legend;
  for (size_t k = 0; k < names.size(); ++k) legend += legend_item(static_cast<int64_t>(k) + 1, names[k]);
  if (others) legend += legend_item(0, "other classes");
  return svg + "</svg><ul class=\"legend\">" + legend + "</ul>";
}

}  // namespace lodestone::report
