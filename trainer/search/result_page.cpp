#include "trainer/search/result_page.h"

#include <string_view>

#include "common/text_format.h"
#include "trainer/report/html.h"
#include "trainer/report/report_style.h"

namespace lodestone::search {

namespace {

constexpr const char* kStyle = R"(
.answer { list-style: none; display: flex; flex-wrap: wrap; gap: .75rem; align-items: flex-start; padding: .75rem 0; margin: 0; border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.card { width: 8.5rem; margin: 0; padding: .4rem; border: 2px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; overflow-wrap: anywhere; font-size: .8rem; }
.card.same { border-color: #178a4c; } .card.other { border-style: dashed; } .card.query { border-color: #3367d6; }
.card img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #fff; border-radius: .3rem; }
.card b { display: block; } .card .id { opacity: .75; }
)";

std::string card(const std::string& kind, const std::string& image, const std::string& title,
                 const std::string& id, const std::string& note) {
  const std::string shown = image.empty() ? ""
                                          : fill(R"(<img src="{}" alt="{}" loading="lazy">)",
                                                 {image, report::escape_html(title + " " + id)});
  return fill(
      R"(<figure class="card {}">{}<figcaption><b>{}</b><span class="id">{}</span><br>{}</figcaption></figure>)",
      {kind, shown, report::escape_html(title), report::escape_html(id), note});
}

std::string hit_card(const SearchHit& hit, const std::string& image) {
  const char* kind = !hit.same ? "plain" : *hit.same ? "same" : "other";
  return card(kind, image, hit.label.empty() ? "no label" : hit.label, hit.id,
              "score " + decimal(hit.score, 4) + (hit.same ? " · " : "") + hit.verdict());
}

}  // namespace

std::string result_page(const std::string& title, const std::vector<SearchAnswer>& answers,
                        const std::function<std::string(const std::string& id, bool query)>& image) {
  std::string html = fill(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" "
      "content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
      "'unsafe-inline'\">\n"
      "<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body><main>\n<h1>{}</h1>\n",
      {report::escape_html(title), report::report_style(), kStyle, report::escape_html(title)});
  for (const SearchAnswer& answer : answers) {
    html +=
        "<section class=\"answer\">" + card("query", image(answer.query, true), "Query", answer.query, "");
    for (const SearchHit& hit : answer.hits) html += hit_card(hit, image(hit.id, false));
    html += "</section>\n";
  }
  return html + "</main></body>\n</html>\n";
}

std::string image_uri(const std::string& bytes) {
  const std::string_view view(bytes);
  const char* type = view.starts_with("\x89PNG")                               ? "image/png"
                     : view.starts_with("\xFF\xD8\xFF")                        ? "image/jpeg"
                     : view.starts_with("RIFF") && view.substr(8, 4) == "WEBP" ? "image/webp"
                                                                               : nullptr;
  return type ? std::string("data:") + type + ";base64," + report::base64(bytes) : "";
}

}  // namespace lodestone::search
