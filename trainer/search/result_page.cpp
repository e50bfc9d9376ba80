#include "trainer/search/result_page.h"

#include <span>

#include "common/counted.h"
#include "common/text_format.h"
#include "trainer/report/html.h"
#include "trainer/report/page_head.h"

namespace lodestone::search {

namespace {

constexpr size_t kCards = 5000, kHits = 100;

constexpr const char* kStyle = R"(
.answer { list-style: none; display: flex; flex-wrap: wrap; gap: .75rem; align-items: flex-start; padding: .75rem 0; margin: 0; border-top: 1px solid var(--line); }
.card { width: 8.5rem; margin: 0; padding: .4rem; border: 2px solid var(--line); border-radius: .5rem; overflow-wrap: anywhere; font-size: .8rem; }
.card.words { width: 15rem; }
.card.same { border-color: var(--good); } .card.other { border-style: dashed; } .card.query { border-color: var(--c1); }
.card img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #fff; border-radius: .3rem; }
.card b { display: block; } .card .id { opacity: .75; display: block; }
.card p { margin: .2rem 0; font-size: .95rem; white-space: pre-wrap; max-height: 14rem; overflow: auto; }
)";

/// What a card shows; all as text, not yet escaped.
struct Card {
  std::string kind, image, title, text, id, note;
};

std::string element(const char* pattern, const std::string& text) {
  return text.empty() ? "" : fill(pattern, {report::escape_html(text)});
}

std::string drawn(const Card& card) {
  const std::string alt = card.title.empty() ? card.id : card.title + " " + card.id;
  const std::string image = card.image.empty() ? ""
                                               : fill(R"(<img src="{}" alt="{}" loading="lazy">)",
                                                      {card.image, report::escape_html(alt)});
  const char* words = card.image.empty() && !card.text.empty() ? " words" : "";
  return fill(R"(<figure class="card {}{}">{}<figcaption>{}{}{}{}</figcaption></figure>)",
              {card.kind, words, image, element("<b>{}</b>", card.title), element("<p>{}</p>", card.text),
               element(R"(<span class="id">{}</span>)", card.id), report::escape_html(card.note)});
}

// The label for people. Texts without classes are labelled by where they are, as "a.txt:3".
template <typename Row>
std::string shown_label(const Row& row) {
  return !row.text.empty() && row.id.starts_with(row.label) ? "" : row.label;
}

std::string query_card(const SearchAnswer& answer, const ImageOf& image) {
  const EmbeddedRow& query = answer.query;
  const std::string label = shown_label(query);
  return drawn({.kind = "query",
                .image = image(query.id, query.thumbnail, true),
                .title = answer.verdict.empty() ? "Query" : answer.verdict,
                .text = query.text,
                .id = query.id,
                .note = label.empty() ? "" : "label " + label});
}

std::string hit_card(const SearchHit& hit, const ImageOf& image) {
  return drawn({.kind = !hit.same   ? "plain"
                        : *hit.same ? "same"
                                    : "other",
                .image = image(hit.id, hit.thumbnail, false),
                .title = shown_label(hit),
                .text = hit.text,
                .id = hit.id,
                .note = "score " + decimal(hit.score, 4) + (hit.same ? " · " : "") + hit.verdict()});
}

}  // namespace

std::string result_page(const std::string& title, const std::vector<SearchAnswer>& answers,
                        const ImageOf& image) {
  std::string sections;
  size_t cards = 0, shown = 0;
  for (const SearchAnswer& answer : answers) {
    const auto hits = std::span(answer.hits).first(std::min(answer.hits.size(), kHits));
    if (shown > 0 && cards + 1 + hits.size() > kCards) break;
    sections += "<section class=\"answer\">" + query_card(answer, image);
    for (const SearchHit& hit : hits) sections += hit_card(hit, image);
    if (hits.size() < answer.hits.size())
      sections += "<p>… and " +
                  counted(static_cast<int64_t>(answer.hits.size() - hits.size()), "more hit", "more hits") +
                  "</p>";
    sections += "</section>\n";
    cards += 1 + hits.size();
    ++shown;
  }
  const std::string part = shown == answers.size()
                               ? ""
                               : "<p>The first " + std::to_string(shown) + " of " +
                                     counted(static_cast<int64_t>(answers.size()), "query", "queries") +
                                     ".</p>\n";
  return report::page_head(title, kStyle) + "<body><main>\n<h1>" + report::escape_html(title) + "</h1>\n" +
         part + sections + "</main></body>\n</html>\n";
}

}  // namespace lodestone::search
