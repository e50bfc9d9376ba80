#include "trainer/init/held_out.h"

#include <algorithm>
#include <cmath>

#include "common/counted.h"
#include "common/text_format.h"

namespace lodestone::init {

namespace {

constexpr int64_t kMostEvaluated = 20000;
constexpr int64_t kFewClasses = 10;
constexpr double kClassShare = 0.2, kSampleShare = 0.2;
constexpr double kLuck = 0.7;  // a hash leaves some classes fewer samples than their share
constexpr double kMostRows = 0.2, kFewestRows = 0.02;
constexpr int64_t kRowsWanted = 2000;

// A number between the two, with as few digits as possible.
double between(double low, double high) {
  for (double scale = 10; scale < 1e15; scale *= 10) {
    const double number = std::ceil(low * scale) / scale;
    if (number > low && number <= high) return number;
  }
  return high;
}

// The end of the part that has `count` of the distinct numbers.
double boundary_of(std::vector<double> numbers, int64_t count) {
  std::ranges::sort(numbers);
  const auto rest = std::ranges::unique(numbers);
  numbers.erase(rest.begin(), rest.end());
  const auto n = static_cast<size_t>(std::clamp<int64_t>(count, 1, static_cast<int64_t>(numbers.size()) - 1));
  return between(numbers[n - 1], numbers[n]);
}

// The survey of the classes whose numbers are below the boundary.
survey::ClassSurvey below(const Measured& measured, double boundary) {
  survey::ClassSurvey part;
  std::vector<double> counts, groups;
  for (size_t c = 0; c < measured.class_numbers.size(); ++c) {
    if (measured.class_numbers[c] >= boundary) continue;
    part.count_c.push_back(measured.train.count_c[c]);
    part.samples += measured.train.count_c[c];
    counts.push_back(static_cast<double>(measured.train.count_c[c]));
    groups.push_back(measured.class_numbers[c]);
  }
  std::ranges::sort(groups);
  part.classes = static_cast<int64_t>(counts.size());
  part.groups = std::ranges::unique(groups).begin() - groups.begin();
  part.per_class = survey::spread_of(std::move(counts));
  return part;
}

// The survey of about this share of the samples of every class.
survey::ClassSurvey share_of(const survey::ClassSurvey& all, double share) {
  survey::ClassSurvey part = all;
  part.samples = 0;
  std::vector<double> counts;
  for (int64_t& count : part.count_c) {
    count = static_cast<int64_t>(share * static_cast<double>(count));
    part.samples += count;
    counts.push_back(static_cast<double>(count));
  }
  part.per_class = survey::spread_of(std::move(counts));
  return part;
}

// Data of another folder, file or split are there.
void use_what_is_there(Finding& finding, const Measured& measured, HeldOut& held) {
  held.train = measured.train;
  held.rows = measured.rows;
  held.rows_evaluate = measured.rows_evaluate;
  const bool has_classes = measured.evaluate.samples > 0;
  const int64_t there = has_classes ? measured.evaluate.samples : measured.rows_evaluate;
  const std::string name =
      finding.evaluate.split.empty() ? finding.evaluate.path : "the split " + finding.evaluate.split;
  held.samples_evaluate = std::min(there, kMostEvaluated);
  held.sentence = "evaluated on " + name;
  held.summary = "Evaluated on " + name + ", which was there for it.";
  if (there <= kMostEvaluated) return;
  const double share = static_cast<double>(kMostEvaluated) / static_cast<double>(there);
  if (has_classes && measured.evaluate.classes < kFewClasses)
    finding.evaluate.part.of = sampler::PartOf::kSamples;
  finding.evaluate.part.to = std::max(1e-6, std::floor(share * 1e4) / 1e4);
  held.rows_evaluate = std::min(held.rows_evaluate, kMostEvaluated);
  held.sentence += ", a part of about " + std::to_string(kMostEvaluated) + " of " + std::to_string(there);
}

void hold_classes_out(Finding& finding, const Measured& measured, HeldOut& held) {
  const survey::ClassSurvey& all = measured.train;
  const auto fitting =
      static_cast<int64_t>(static_cast<double>(kMostEvaluated) / std::max(1.0, all.per_class.mean));
  const auto share = std::llround(kClassShare * static_cast<double>(all.groups));
  const int64_t count = std::max<int64_t>(2, std::min<int64_t>(share, fitting));
  const double boundary = boundary_of(measured.class_numbers, all.groups - count);
  finding.evaluate = finding.train;
  finding.train.part.to = finding.evaluate.part.from = boundary;
  held.train = below(measured, boundary);
  held.samples_evaluate = all.samples - held.train.samples;
  held.sentence = std::to_string(all.classes - held.train.classes) + " of " + std::to_string(all.classes) +
                  " classes are held out for evaluation, by a hash of their names";
  held.summary = "Evaluated on " + counted(all.classes - held.train.classes, "class", "classes") +
                 " that were not in training, chosen by a hash of their names.";
}

void hold_samples_out(Finding& finding, const Measured& measured, HeldOut& held) {
  finding.evaluate = finding.train;
  finding.train.part = {.of = sampler::PartOf::kSamples, .to = 1 - kSampleShare};
  finding.evaluate.part = {.of = sampler::PartOf::kSamples, .from = 1 - kSampleShare};
  held.train = share_of(measured.train, 1 - kSampleShare);
  held.train.per_class.smallest *= kLuck;
  held.samples_evaluate = measured.train.samples - held.train.samples;
  held.sentence = "about a fifth of the samples is held out for evaluation; " +
                  counted(measured.train.classes, "class", "classes") + " are too few to hold some out";
  held.summary = "Evaluated on samples that were not in training, of the classes that were.";
}

void hold_rows_out(Finding& finding, const Measured& measured, HeldOut& held) {
  const double share = std::clamp(static_cast<double>(kRowsWanted) / static_cast<double>(measured.rows),
                                  kFewestRows, kMostRows);
  const double boundary = std::round((1 - share) * 100) / 100;
  finding.evaluate = finding.train;
  finding.train.part.to = finding.evaluate.part.from = boundary;
  held.rows = static_cast<int64_t>(boundary * static_cast<double>(measured.rows));
  held.rows_evaluate = held.samples_evaluate = measured.rows - held.rows;
  const std::string what = finding.content == Content::kCaptions ? "images" : "rows";
  held.sentence = "about " + std::to_string(held.rows_evaluate) + " of " + std::to_string(measured.rows) +
                  " " + what + " are held out for evaluation, by a hash";
  held.summary = "Evaluated on " + what + " that were not in training, chosen by a hash" +
                 (finding.content == Content::kCaptions ? " of the image's name." : " of the first text.");
}

}  // namespace

HeldOut hold_out(Finding& finding, const Measured& measured) {
  HeldOut held;
  held.exists = finding.content != Content::kImageTuples || !finding.evaluate.empty();
  held.rows = measured.rows;
  const bool has_classes = measured.train.samples > 0;
  if (!held.exists)
    held.sentence =
        "nothing is held out, since a list of tuples names no classes: set evaluate.data.path to labelled "
        "images";
  else if (!finding.evaluate.empty())
    use_what_is_there(finding, measured, held);
  else if (!has_classes)
    hold_rows_out(finding, measured, held);
  else if (measured.train.groups >= kFewClasses)
    hold_classes_out(finding, measured, held);
  else
    hold_samples_out(finding, measured, held);
  return held;
}

}  // namespace lodestone::init
