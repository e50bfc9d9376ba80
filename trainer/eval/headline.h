#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "trainer/eval/metrics.h"

namespace lodestone::eval {

/// What an evaluation compared. It decides which metrics stand for it.
/// kClasses        samples of classes that are searched for each other
/// kVerification   the same, where "same or not?" of two samples is the question: faces, signatures
/// kPairs          samples that belong together in pairs, searched for each other
/// kLabelledPairs  pairs with a label, 1 (the same) or 0
/// kGradedPairs    pairs with a degree of similarity
/// kTriplets       an anchor with the sample that should be nearer and the one that should not
/// kCaptions       images and their captions, searched for each other
enum class Subject { kClasses, kVerification, kPairs, kLabelledPairs, kGradedPairs, kTriplets, kCaptions };

/// The most figures that a headline has.
inline constexpr size_t kHeadlineFigures = 4;

/// The metrics that may stand for an evaluation of `subject`, the main one first.
std::vector<Metric> headline_metrics(Subject subject);

/// The first of them that are defined in `metrics`, at most kHeadlineFigures: the cards of the report, the
/// line of the console. The accuracy of fewer than five folds is left out.
std::vector<Metric> headline_of(Subject subject, const Metrics& metrics);

/// The headline as a line: "recall_at_1 91.82 % (baseline 61.80 %), map_at_r 64.10 %"; empty if nothing of it
/// is defined. Metrics that `baseline` lacks stand alone.
std::string format_headline(Subject subject, const Metrics& model, const Metrics& baseline = {});

}  // namespace lodestone::eval
