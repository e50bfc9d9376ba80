#include "trainer/data_view/sample_sheets.h"

#include <algorithm>
#include <optional>

#include "common/error.h"
#include "common/text_format.h"
#include "sampler/class_members.h"
#include "trainer/data_view/tiles.h"
#include "trainer/report/html.h"
#include "trainer/run/data_kinds/text_data.h"

namespace lodestone::data_view {

namespace {

constexpr int64_t kClasses = 12, kOfClass = 8, kRows = 16, kLoose = 48, kCaptions = 3;

// Indices spread evenly, in ascending order.
std::vector<int64_t> some(int64_t size, int64_t count) {
  std::vector<int64_t> chosen = survey::spread_samples(size, count);
  std::ranges::sort(chosen);
  return chosen;
}

std::string strip(const std::string& title, const std::string& content) {
  return fill("<section class=\"card strip\"><h3>{}</h3>{}</section>\n", {text_html(title), content});
}

std::string problem(const std::exception& error) {
  return fill("<p class=\"problem\">{}</p>", {report::escape_html(error.what())});
}

class SampleSheet {
 public:
  SampleSheet(const run::RunConfig& config, const Side& side) : side_(side) {
    if (side.texts) rule_ = run::token_rule(config.data);
  }

  std::string html() const {
    if (side_.has_captions()) return captioned();
    if (side_.images && !side_.tuples.empty()) return image_tuples();
    if (side_.texts && !side_.has_classes) return text_rows();
    return by_class();
  }

 private:
  std::string image(int64_t i, const std::string& caption) const {
    try {
      return figure(image_tag(side_.images->get(i), side_.images->key(i)), caption);
    } catch (const DataError& error) {
      return problem(error);
    }
  }

  std::string text(int64_t i) const {
    try {
      return "<div class=\"words\">" + text_with_tokens(side_.texts->get(i), *rule_) + "</div>";
    } catch (const DataError& error) {
      return problem(error);
    }
  }

  // By file name, since the class is the title.
  std::string sample(int64_t i) const {
    return side_.images ? image(i, last_name(side_.images->key(i))) : text(i);
  }

  std::string by_class() const {
    const sampler::ClassMembers members(side_.samples());
    std::string html;
    for (const int64_t c : some(members.classes(), kClasses)) {
      const auto own = members.of(c);
      const auto count = static_cast<int64_t>(own.size());
      std::string samples;
      for (const int64_t k : some(count, kOfClass)) samples += sample(own[static_cast<size_t>(k)]);
      const std::string name = side_.samples().class_name(c);
      html += strip(name + " (" + std::to_string(count) + ")", looks(samples));
    }
    return html;
  }

  std::string looks(const std::string& content) const {
    return side_.images ? "<div class=\"looks\">" + content + "</div>" : content;
  }

  std::string captioned() const {
    std::string html;
    for (const int64_t i : some(side_.images->size(), kRows)) {
      const auto at = static_cast<size_t>(i);
      std::string captions;
      for (int64_t k = side_.first[at]; k < std::min(side_.first[at + 1], side_.first[at] + kCaptions); ++k)
        captions += text(side_.order[static_cast<size_t>(k)]);
      html += strip(side_.images->key(i),
                    "<div class=\"beside\">" + image(i, "") + "<div>" + captions + "</div></div>");
    }
    return html;
  }

  std::string image_tuples() const {
    std::string html;
    for (const int64_t t : some(static_cast<int64_t>(side_.tuples.size()), kRows)) {
      const sampler::Tuple& tuple = side_.tuples[static_cast<size_t>(t)];
      const auto named = [&](int64_t i, const char* role) { return image(i, role + side_.images->key(i)); };
      std::string content = tuple.is_triplet()
                                ? named(tuple.anchor, "anchor: ") + named(tuple.other, "positive: ") +
                                      named(tuple.negative, "negative: ")
                                : named(tuple.anchor, "") + named(tuple.other, "");
      html += "<section class=\"card strip\"><div class=\"looks\">" + content + "</div>" +
              (tuple.is_triplet() ? "" : verdict(tuple.same)) + "</section>\n";
    }
    return "<div class=\"columns\">" + html + "</div>";
  }

  std::string text_rows() const {
    const int64_t width = side_.texts_per_row;
    std::string html;
    for (const int64_t r : some(side_.texts->size() / width, width == 1 ? kLoose : kRows)) {
      std::string content;
      for (int64_t k = 0; k < width; ++k) content += text(r * width + k);
      const auto at = static_cast<size_t>(r);
      if (at < side_.tuples.size() && !side_.tuples[at].is_triplet())
        content += verdict(side_.tuples[at].same);
      if (at < side_.scores.size()) content += "<b>grade " + compact(side_.scores[at]) + "</b>";
      html += strip(side_.row_name(r * width), content);
    }
    return html;
  }

  const Side& side_;
  std::optional<sampler::TokenRule> rule_;
};

}  // namespace

std::string sample_sheet(const run::RunConfig& config, const Side& side) {
  return SampleSheet(config, side).html();
}

std::string pair_sheet(const Side& first, const Side& second, const std::vector<SamplePair>& pairs,
                       bool rows) {
  const auto shown = [rows](const Side& side, int64_t i) {
    const std::string key = rows ? side.row_name(i) : side.samples().key(i);
    const std::string of_class = side.has_classes ? " (" + side.class_of(i) + ")" : "";
    const std::string name = side.name + ": " + key + of_class;
    try {
      if (side.images)
        return figure(image_tag(side.images->get(i), name), side.name + ": " + last_name(key) + of_class);
      std::string texts;
      for (int64_t k = 0; k < (rows ? side.texts_per_row : 1); ++k)
        texts += "<p class=\"said\">" + text_html(side.texts->get(i + k)) + "</p>";
      return texts + "<p class=\"note\">" + text_html(name) + "</p>";
    } catch (const DataError& error) {
      return problem(error);
    }
  };
  std::string html;
  for (const SamplePair& pair : pairs) {
    const std::string both = shown(first, pair.first) + shown(second, pair.second);
    html += "<section class=\"card strip\">" +
            (first.images ? "<div class=\"looks\">" + both + "</div>" : both) + "</section>\n";
  }
  return "<div class=\"columns\">" + html + "</div>";
}

}  // namespace lodestone::data_view
