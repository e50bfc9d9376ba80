#include "trainer/init/held_out.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "common/counted.h"
#include "common/text_format.h"

namespace lodestone::init {

namespace {

constexpr int64_t kMostEvaluated = 20000;
constexpr double kClassShare = 0.2, kSampleShare = 0.2;
constexpr int64_t kEachSide = 2;  // samples of a class, of which one is found by another
constexpr double kMostSamples = 0.5;
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
survey::ClassSurvey below(const survey::ClassSurvey& all, const std::vector<double>& numbers,
                          double boundary) {
  survey::ClassSurvey part;
  std::vector<double> counts, groups;
  for (size_t c = 0; c < numbers.size(); ++c) {
    if (numbers[c] >= boundary) continue;
    part.count_c.push_back(all.count_c[c]);
    part.samples += all.count_c[c];
    counts.push_back(static_cast<double>(all.count_c[c]));
    groups.push_back(numbers[c]);
  }
  std::ranges::sort(groups);
  part.classes = static_cast<int64_t>(counts.size());
  part.groups = std::ranges::unique(groups).begin() - groups.begin();
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
  held.classes_evaluate = measured.evaluate.classes;
  held.sentence = "evaluated on " + name;
  held.summary = "Evaluated on " + name + ", which was there for it.";
  if (there <= kMostEvaluated) return;
  const double share = static_cast<double>(kMostEvaluated) / static_cast<double>(there);
  const bool by_class =
      has_classes ? measured.evaluate.classes >= kFewClasses : finding.content == Content::kCaptions;
  if (!by_class) finding.evaluate.part.of = sampler::PartOf::kSamples;
  finding.evaluate.part.to = std::max(1e-6, std::floor(share * 1e4) / 1e4);
  held.rows_evaluate = std::min(held.rows_evaluate, kMostEvaluated);
  held.sentence += ", a part of about " + std::to_string(kMostEvaluated) + " of " + std::to_string(there);
}

// How many classes are held out.
int64_t classes_to_hold(const survey::ClassSurvey& all) {
  const auto fitting =
      static_cast<int64_t>(static_cast<double>(kMostEvaluated) / std::max(1.0, all.per_class.mean));
  const auto share = std::llround(kClassShare * static_cast<double>(all.groups));
  return std::max<int64_t>(2, std::min<int64_t>(share, fitting));
}

void describe_classes(int64_t held_out, int64_t all, HeldOut& held) {
  held.sentence = std::to_string(held_out) + " of " + std::to_string(all) +
                  " classes are held out for evaluation, by a hash of their names";
  held.summary = "Evaluated on " + counted(held_out, "class", "classes") +
                 " that were not in training, chosen by a hash of their names.";
  held.classes_evaluate = held_out;
}

void hold_classes_out(Finding& finding, const Measured& measured, HeldOut& held) {
  const survey::ClassSurvey& all = measured.train;
  const double boundary = boundary_of(measured.class_numbers, all.groups - classes_to_hold(all));
  finding.evaluate = finding.train;
  finding.train.part.to = finding.evaluate.part.from = boundary;
  held.train = below(all, measured.class_numbers, boundary);
  held.samples_evaluate = all.samples - held.train.samples;
  describe_classes(all.classes - held.train.classes, all.classes, held);
}

/// Samples in descending order of their numbers, of which the first ones are held out.
class SampleSplit {
 public:
  explicit SampleSplit(const Measured& measured) : measured_(measured), counts_(measured.train.count_c) {
    for (size_t i = 0; i < measured.sample_numbers.size(); ++i) order_.push_back(i);
    std::ranges::sort(order_, std::greater(), [&](size_t i) { return measured.sample_numbers[i]; });
    held_.assign(counts_.size(), 0);
  }

  // The boundary at which as many classes as possible have samples enough on both sides and, of these, the
  // one that is closest to the wanted share.
  double boundary() {
    const double all = static_cast<double>(order_.size()), wanted = kSampleShare * all;
    int64_t best_classes = -1;
    double best = 0;
    for (size_t k = 0; k + 1 < order_.size() && static_cast<double>(k + 1) <= kMostSamples * all; ++k) {
      ++held_[class_of(order_[k])];
      const double low = number(k + 1), high = number(k);
      if (low == high) continue;  // copies stay together
      const int64_t classes = whole_classes();
      const auto off = [wanted](size_t count) { return std::abs(static_cast<double>(count) - wanted); };
      if (classes < best_classes || (classes == best_classes && off(k + 1) >= off(best_count_))) continue;
      best_classes = classes;
      best_count_ = k + 1;
      best = between(low, high);
    }
    return best;
  }

  // The survey of what remains to train on, with the boundary that was found.
  survey::ClassSurvey train() const {
    survey::ClassSurvey part = measured_.train;
    for (size_t k = 0; k < best_count_; ++k) --part.count_c[class_of(order_[k])];
    part.samples = static_cast<int64_t>(order_.size() - best_count_);
    part.per_class = survey::spread_of({part.count_c.begin(), part.count_c.end()});
    return part;
  }
  // The classes of which a sample can be found by another one of the evaluation.
  int64_t evaluated_classes(const survey::ClassSurvey& train) const {
    int64_t classes = 0;
    for (size_t c = 0; c < counts_.size(); ++c) classes += counts_[c] - train.count_c[c] >= kEachSide ? 1 : 0;
    return classes;
  }

 private:
  double number(size_t k) const { return measured_.sample_numbers[order_[k]]; }
  size_t class_of(size_t i) const { return static_cast<size_t>(measured_.sample_classes[i]); }
  int64_t whole_classes() const {
    int64_t classes = 0;
    for (size_t c = 0; c < counts_.size(); ++c)
      classes += held_[c] >= kEachSide && counts_[c] - held_[c] >= kEachSide ? 1 : 0;
    return classes;
  }

  const Measured& measured_;
  std::vector<int64_t> counts_, held_;  // by class
  std::vector<size_t> order_;
  size_t best_count_ = 0;
};

void hold_samples_out(Finding& finding, const Measured& measured, HeldOut& held) {
  SampleSplit split(measured);
  const double boundary = split.boundary();
  finding.evaluate = finding.train;
  finding.train.part = {.of = sampler::PartOf::kSamples, .to = boundary};
  finding.evaluate.part = {.of = sampler::PartOf::kSamples, .from = boundary};
  held.train = split.train();
  held.samples_evaluate = measured.train.samples - held.train.samples;
  const int64_t classes = split.evaluated_classes(held.train), all = measured.train.classes;
  held.sentence = std::to_string(held.samples_evaluate) + " of " + std::to_string(measured.train.samples) +
                  " samples are held out for evaluation, two or more of " +
                  (classes == all ? "each class" : std::to_string(classes) + " classes") + "; " +
                  counted(all, "class", "classes") + " are too few to hold some out";
  held.classes_evaluate = classes;
  held.summary = "Evaluated on samples that were not in training, of the classes that were.";
}

int64_t rows_to_hold(int64_t rows) {
  const double share =
      std::clamp(static_cast<double>(kRowsWanted) / static_cast<double>(rows), kFewestRows, kMostRows);
  return std::max<int64_t>(1, std::llround(share * static_cast<double>(rows)));
}

// Where the components with larger numbers have about `wanted` rows; empty if they have none such, since
// nearly all rows are connected.
std::optional<double> boundary_of_components(const Measured& measured, int64_t wanted, HeldOut& held) {
  const auto& components = measured.components;
  std::optional<double> best;
  int64_t rows = 0;
  for (size_t c = components.size(); c-- > 1;) {
    rows += components[c].rows;
    const bool closer = !best || std::abs(rows - wanted) < std::abs(held.rows_evaluate - wanted);
    if (2 * rows < wanted || rows > 2 * wanted || !closer) continue;
    best = between(components[c - 1].number, components[c].number);
    held.rows_evaluate = rows;
  }
  return best;
}

// Images with captions are split by the image, rows of texts so that no text is on both sides if they can.
void hold_rows_out(Finding& finding, const Measured& measured, HeldOut& held) {
  const bool captions = finding.content == Content::kCaptions;
  const int64_t wanted = rows_to_hold(measured.rows);
  const std::optional<double> boundary =
      captions ? std::nullopt : boundary_of_components(measured, wanted, held);
  const double share = static_cast<double>(wanted) / static_cast<double>(measured.rows);
  finding.evaluate = finding.train;
  if (!captions && !boundary) finding.train.part.of = finding.evaluate.part.of = sampler::PartOf::kSamples;
  finding.train.part.to = finding.evaluate.part.from = boundary.value_or(std::round((1 - share) * 100) / 100);
  if (!boundary) held.rows_evaluate = wanted;
  held.rows = measured.rows - held.rows_evaluate;
  held.samples_evaluate = held.rows_evaluate;
  const std::string what = captions ? "images" : "rows";
  held.sentence = (boundary ? "" : "about ") + std::to_string(held.rows_evaluate) + " of " +
                  std::to_string(measured.rows) + " " + what + " are held out for evaluation, " +
                  (captions   ? "by a hash"
                   : boundary ? "so that no text of theirs is in training"
                              : "by a hash of the first text: shared texts connect nearly all rows, so that "
                                "texts of the evaluation are in training too");
  held.summary = "Evaluated on " + what + " that were not in training, chosen by a hash" +
                 (captions   ? " of the image's name."
                  : boundary ? " of their texts."
                             : " of the first text.");
}

// Of a list of tuples, those of some classes: images of these are evaluated, and no tuple has one.
bool hold_tuples_out(Finding& finding, const Measured& measured, HeldOut& held) {
  constexpr int64_t kFewestTuples = 8;
  const survey::ClassSurvey& all = measured.labelled;
  if (all.groups < kFewClasses) return false;
  const double boundary = boundary_of(measured.class_numbers, all.groups - classes_to_hold(all));
  Finding part = finding;
  part.train.part.to = boundary;
  const int64_t rows = count_tuples(part);
  if (rows < kFewestTuples) return false;
  finding.train.part.to = boundary;
  finding.evaluate.path = finding.labelled;
  finding.evaluate.part.from = boundary;
  const survey::ClassSurvey train = below(all, measured.class_numbers, boundary);
  held.rows = rows;
  held.samples_evaluate = all.samples - train.samples;
  describe_classes(all.classes - train.classes, all.classes, held);
  held.sentence += "; " + std::to_string(rows) + " of " + std::to_string(measured.rows) +
                   " tuples have none of their images and are trained on";
  return true;
}

}  // namespace

HeldOut hold_out(Finding& finding, const Measured& measured) {
  HeldOut held;
  held.exists = true;
  held.rows = measured.rows;
  const bool has_classes = measured.train.samples > 0;
  if (!finding.evaluate.empty())
    use_what_is_there(finding, measured, held);
  else if (finding.content == Content::kImageTuples)
    held.exists = hold_tuples_out(finding, measured, held);
  else if (!has_classes)
    hold_rows_out(finding, measured, held);
  else if (measured.train.groups >= kFewClasses)
    hold_classes_out(finding, measured, held);
  else
    hold_samples_out(finding, measured, held);
  if (!held.exists)
    held.sentence =
        "nothing is held out, since a list of tuples names no classes and has no folder of ten classes "
        "around "
        "it: set evaluate.data.path to labelled images";
  return held;
}

}  // namespace lodestone::init
