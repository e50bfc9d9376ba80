#include "trainer/report/pair_sheet.h"

#include "common/text_format.h"
#include "trainer/report/html.h"
#include "trainer/report/image_sheet.h"

namespace lodestone::report {

namespace {

std::string pair_item(const ShownPair& pair) {
  const std::string grade = pair.grade ? fill("grade <b>{}</b> · ", {compact(*pair.grade)}) : "";
  return fill(
      "<li class=\"match pair\"><figure class=\"tile\">{}</figure><figure class=\"tile\">{}</figure>"
      "<p class=\"score\">{}score <b>{}</b></p></li>\n",
      {draw_sheet_image(pair.one, pair.one.label), draw_sheet_image(pair.other, pair.other.label), grade,
       decimal(pair.score, 3)});
}

std::string part(const char* title, const std::string& note, const std::vector<ShownPair>& pairs) {
  if (pairs.empty()) return {};
  std::string items;
  for (const ShownPair& pair : pairs) items += pair_item(pair);
  const char* words = pairs.front().one.png.empty() ? " of-words" : "";
  return fill("<h3>{}</h3><p class=\"note\">{}</p>\n<ol class=\"sheet pairs{}\">\n{}</ol>\n",
              {title, note, words, items});
}

// Accepts and rejects at the threshold of the equal error rate.
std::string judged(const PairView& pairs) {
  const std::string at = compact(*pairs.threshold);
  return part(
             "False accepts",
             fill("Different, with a score of at least {}, where false accepts and false rejects are equally "
                  "frequent; the highest first.",
                  {at}),
             pairs.accepts) +
         part("False rejects", fill("The same, with a score below {}; the lowest first.", {at}),
              pairs.rejects);
}

std::string graded(const PairView& pairs) {
  return part("Scored too high", "Higher in the order of scores than in that of grades; the farthest first.",
              pairs.accepts) +
         part("Scored too low", "Lower in the order of scores than in that of grades; the farthest first.",
              pairs.rejects);
}

}  // namespace

std::string draw_pair_sheet(const PairView& pairs) {
  if (pairs.accepts.empty() && pairs.rejects.empty()) return {};
  return "<section aria-labelledby=\"pairs\"><h2 id=\"pairs\">Worst pairs</h2>\n<p class=\"note\">The pairs "
         "about which the model errs most; each sample at most once.</p>\n" +
         (pairs.threshold ? judged(pairs) : graded(pairs)) + "</section>\n";
}

}  // namespace lodestone::report
