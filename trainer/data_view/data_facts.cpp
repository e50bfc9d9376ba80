#include "trainer/data_view/data_facts.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "sampler/sources/image_files.h"
#include "trainer/data_view/warnings.h"
#include "trainer/run/data_kinds/text_data.h"

namespace lodestone::data_view {

namespace {

std::map<std::string, int64_t> formats_of(const sampler::Dataset& images) {
  std::map<std::string, int64_t> formats;
  for (int64_t i = 0; i < images.size(); ++i) {
    const std::string ending = sampler::lower_case(std::filesystem::path(images.key(i)).extension().string());
    if (sampler::is_image_ending(ending)) ++formats[ending];
  }
  return formats;
}

survey::Spread captions_of(const Side& side) {
  std::vector<double> counts;
  for (size_t i = 0; i + 1 < side.first.size(); ++i)
    counts.push_back(static_cast<double>(side.first[i + 1] - side.first[i]));
  return survey::spread_of(std::move(counts));
}

void count_tuples(const Side& side, SideFacts& facts) {
  for (const sampler::Tuple& tuple : side.tuples) {
    facts.triplets += tuple.is_triplet() ? 1 : 0;
    facts.same += !tuple.is_triplet() && tuple.same ? 1 : 0;
    facts.different += tuple.same ? 0 : 1;
  }
  if (!side.scores.empty()) facts.grades = survey::spread_of(side.scores);
}

/// Describes one side; `contents` are kept for the comparison of both.
SideFacts describe_side(const run::RunConfig& config, const Side& side, const FactLimits& limits,
                        Contents& contents) {
  SideFacts facts;
  facts.samples = side.samples().size();
  if (side.has_classes) facts.classes = survey::survey_classes(side.samples());
  if (side.images) {
    facts.formats = formats_of(*side.images);
    facts.images = survey::survey_images(*side.in_colour, limits.images);
  }
  if (side.texts) {
    facts.texts = survey::survey_texts(*side.texts, limits.texts);
    facts.tokens = survey_tokens(*side.texts, run::token_rule(config.data), limits.texts);
  }
  if (side.has_captions()) facts.captions = captions_of(side);
  count_tuples(side, facts);
  contents = read_contents(side, limits.contents);
  const Contents by_row = side.has_rows() ? read_rows(side) : Contents();
  const Contents& compared = side.has_rows() ? by_row : contents;
  facts.compared = compared.count;
  facts.duplicates = duplicates_within(side, compared);
  return facts;
}

std::vector<std::string> common_classes(const Side& training, const Side& evaluation) {
  if (!training.has_classes || !evaluation.has_classes) return {};
  std::set<std::string> trained;
  for (int64_t c = 0; c < training.samples().classes(); ++c) trained.insert(training.samples().class_name(c));
  std::vector<std::string> common;
  for (int64_t c = 0; c < evaluation.samples().classes(); ++c)
    if (std::string name = evaluation.samples().class_name(c); trained.contains(name))
      common.push_back(std::move(name));
  return common;
}

}  // namespace

DataFacts describe(const run::RunConfig& config, const Sides& sides, const FactLimits& limits) {
  DataFacts facts;
  Contents trained, evaluated;
  facts.training = describe_side(config, sides.training, limits, trained);
  if (sides.evaluation) {
    const Side& other = *sides.evaluation;
    facts.evaluation = describe_side(config, other, limits, evaluated);
    CommonFacts common;
    common.classes = common_classes(sides.training, other);
    common.copies = duplicates_between(other, trained, evaluated);
    common.trained = trained.compared(sides.training);
    common.evaluated = evaluated.compared(other);
    common.look_alikes = find_look_alikes(sides.training, other, common.copies, limits.look_alikes);
    facts.common = std::move(common);
  }
  facts.cannot_train = sides.cannot_train;
  facts.warnings = warnings_of(config, sides, facts);
  return facts;
}

}  // namespace lodestone::data_view
