#include "trainer/report/image_sheet.h"

#include <algorithm>

#include "common/text_format.h"
#include "trainer/report/html.h"

namespace lodestone::report {

namespace {

struct Mark {
  const char* verdict;
  const char* sign;
};

Mark mark_of(const SheetRow& row, size_t k) {
  if (row.neighbours[k].right) return {"right", "✓"};
  if (static_cast<int64_t>(k) < row.relevant) return {"wrong", "✗"};
  return {"unmarked", ""};
}

std::string neighbour_tile(const SheetRow& row, size_t k) {
  const SheetImage& image = row.neighbours[k].image;
  const Mark mark = mark_of(row, k);
  const bool marked = *mark.sign != '\0';
  const std::string alt = fill("Neighbour {}: {}{}{}", {std::to_string(k + 1), image.label,
                                                        marked ? ", " : "", marked ? mark.verdict : ""});
  const std::string content = draw_sheet_image(image, alt);
  if (!marked) return fill(R"(<figure class="tile {}">{}</figure>)", {mark.verdict, content});
  // Images give the verdict in their alt text; texts have none.
  const std::string spoken =
      image.png.empty() ? fill(R"( role="img" aria-label="{}")", {mark.verdict}) : R"( aria-hidden="true")";
  return fill(R"(<figure class="tile {}">{}<span class="sign"{}>{}</span></figure>)",
              {mark.verdict, content, spoken, mark.sign});
}

}  // namespace

std::string draw_sheet_image(const SheetImage& image, const std::string& alt) {
  if (image.png.empty()) return fill(R"(<p class="words">{}</p>)", {escape_html(image.label)});
  const std::string label = escape_html(image.label);
  return fill(R"(<img src="data:image/png;base64,{}" alt="{}" title="{}"><figcaption>{}</figcaption>)",
              {base64(image.png), escape_html(alt), label, label});
}

std::string draw_image_sheet(const std::vector<SheetRow>& rows) {
  std::string html;
  bool images = false;
  for (const SheetRow& row : rows) {
    images = images || !row.query.png.empty();
    html += R"(<li class="match"><figure class="tile query">)" +
            draw_sheet_image(row.query, "Query: " + row.query.label) + R"(</figure>)";
    for (size_t k = 0; k < row.neighbours.size(); ++k) html += neighbour_tile(row, k);
    html += "</li>\n";
  }
  return fill("<ol class=\"sheet{}\">\n{}</ol>\n", {images ? "" : " of-words", html});
}

std::string count_right(const std::vector<SheetRow>& rows) {
  int64_t right = 0, all = 0;
  for (const SheetRow& row : rows) {
    const int64_t could = std::min(row.relevant, static_cast<int64_t>(row.neighbours.size()));
    all += could;
    right += std::count_if(row.neighbours.begin(), row.neighbours.begin() + could,
                           [](const SheetNeighbour& neighbour) { return neighbour.right; });
  }
  return std::to_string(right) + " of " + std::to_string(all);
}

}  // namespace lodestone::report
