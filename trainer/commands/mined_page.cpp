#include "trainer/commands/mined_page.h"

#include <algorithm>

#include "common/counted.h"
#include "sampler/codecs/thumbnail.h"
#include "trainer/eval/neighbours.h"
#include "trainer/search/picture.h"
#include "trainer/search/result_page.h"

namespace lodestone::commands {

namespace {

constexpr size_t kShown = 100;

/// A triplet and how similar the anchor is to the others.
struct Scored {
  search::MinedTriplet triplet;
  double positive, negative;
};

std::vector<Scored> most_similar(const std::vector<search::MinedTriplet>& mined,
                                 const eval::LabelledRows& rows) {
  const eval::ComparableRows ready(rows.x_ND, eval::Similarity::kCosine);
  const auto score = [&](int64_t one, int64_t other) { return eval::score(ready, one, ready, other); };
  std::vector<Scored> all;
  for (const search::MinedTriplet& t : mined)
    all.push_back({t, score(t.anchor, t.positive), score(t.anchor, t.negative)});
  std::ranges::stable_sort(all, std::ranges::greater(), &Scored::negative);
  all.resize(std::min(all.size(), kShown));
  return all;
}

}  // namespace

std::string mined_page(const std::vector<search::MinedTriplet>& mined, const eval::LabelledRows& rows,
                       const std::vector<int64_t>& indices_N, const run::Input& input) {
  const auto shown = [&](int64_t row) {
    return input.row(indices_N[static_cast<size_t>(row)], {.thumbnail_side = sampler::kThumbnailSide});
  };
  const auto hit = [&](const char* role, int64_t row, double score) {
    const search::EmbeddedRow of = shown(row);
    return search::SearchHit{.index = row,
                             .id = of.id,
                             .label = role + (" " + of.label),
                             .text = of.text,
                             .thumbnail = of.thumbnail,
                             .score = score,
                             .distance = eval::distance_of_score(score, eval::Similarity::kCosine),
                             .same = {}};  // the model has no say in this
  };
  std::vector<search::SearchAnswer> answers;
  for (const Scored& one : most_similar(mined, rows)) {
    search::SearchAnswer answer{.query = shown(one.triplet.anchor), .hits = {}, .verdict = "anchor"};
    answer.hits = {hit("positive", one.triplet.positive, one.positive),
                   hit("negative", one.triplet.negative, one.negative)};
    answers.push_back(std::move(answer));
  }
  const std::string title = "The " + std::to_string(answers.size()) + " most similar negatives of " +
                            counted(static_cast<int64_t>(mined.size()), "triplet");
  return search::result_page(title, answers, [](const auto&, const std::string& thumbnail, bool) {
    return search::thumbnail_uri(thumbnail);
  });
}

}  // namespace lodestone::commands
