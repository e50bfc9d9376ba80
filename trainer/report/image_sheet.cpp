#include "trainer/report/image_sheet.h"

#include "common/text_format.h"
#include "trainer/report/html.h"

namespace lodestone::report {

namespace {

// The image, or the label as text if there is none.
std::string content(const SheetImage& image, const std::string& alt) {
  if (image.png.empty()) return fill(R"(<p class="words">{}</p>)", {escape_html(image.label)});
  const std::string label = escape_html(image.label);
  return fill(R"(<img src="data:image/png;base64,{}" alt="{}" title="{}"><figcaption>{}</figcaption>)",
              {base64(image.png), escape_html(alt), label, label});
}

std::string neighbour_tile(const SheetNeighbour& neighbour, size_t rank) {
  const char* verdict = neighbour.right ? "right" : "wrong";
  const std::string alt =
      fill("Neighbour {}: {}, {}", {std::to_string(rank), neighbour.image.label, verdict});
  // Images give the verdict in their alt text; texts have none.
  const std::string spoken = neighbour.image.png.empty() ? fill(R"( role="img" aria-label="{}")", {verdict})
                                                         : R"( aria-hidden="true")";
  return fill(R"(<figure class="tile {}">{}<span class="sign"{}>{}</span></figure>)",
              {verdict, content(neighbour.image, alt), spoken, neighbour.right ? "✓" : "✗"});
}

}  // namespace

std::string draw_image_sheet(const std::vector<SheetRow>& rows) {
  std::string html;
  bool images = false;
  for (const SheetRow& row : rows) {
    images = images || !row.query.png.empty();
    html += R"(<li class="match"><figure class="tile query">)" +
            content(row.query, "Query: " + row.query.label) + R"(</figure>)";
    for (size_t k = 0; k < row.neighbours.size(); ++k) html += neighbour_tile(row.neighbours[k], k + 1);
    html += "</li>\n";
  }
  return fill("<ol class=\"sheet{}\">\n{}</ol>\n", {images ? "" : " of-words", html});
}

std::string count_right(const std::vector<SheetRow>& rows) {
  size_t right = 0;
  size_t all = 0;
  for (const SheetRow& row : rows) {
    all += row.neighbours.size();
    for (const SheetNeighbour& neighbour : row.neighbours) right += neighbour.right ? 1 : 0;
  }
  return std::to_string(right) + " of " + std::to_string(all);
}

}  // namespace lodestone::report
