#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trainer/eval/headline.h"
#include "trainer/eval/metrics.h"
#include "trainer/eval/pairs.h"
#include "trainer/eval/projection.h"
#include "trainer/eval/roc.h"

namespace lodestone::report {

/// Values over steps, named as in metrics.jsonl ("loss", "learning_rate", "recall_at_1" …).
struct ReportSeries {
  std::string name;
  std::vector<double> steps;
  std::vector<double> values;
};

/// One item of the image sheet. `png` may be empty (texts): then the label takes its place.
struct SheetImage {
  std::string png;    ///< bytes of a PNG file
  std::string label;  ///< short: the class, the typeface …
};

/// A neighbour of a query in the image sheet; `right` says that it is relevant.
struct SheetNeighbour {
  SheetImage image;
  bool right = false;
  double score = 0;
};

/// One row of the image sheet.
struct SheetRow {
  SheetImage query;
  std::vector<SheetNeighbour> neighbours;  ///< best first
  /// How many neighbours can be right. Those beyond it have no mark if they are not.
  int64_t relevant = 0;
};

/// A pair of samples with its score.
struct ShownPair {
  SheetImage one;
  SheetImage other;
  double score = 0;
  std::optional<double> grade = {};  ///< given by people
};

/// The pairs of an evaluation: the worst of either kind, and the grades of all.
struct PairView {
  std::optional<double> threshold;  ///< "the same" from this score
  std::vector<ShownPair> accepts;   ///< too near, the worst first
  std::vector<ShownPair> rejects;   ///< too far, the worst first
  std::vector<double> grades;       ///< of all graded pairs
  std::vector<double> scores;       ///< in the same order
};

/// Classes whose samples are nearest to each other, by name.
struct ReportConfusion {
  std::string from;
  std::string to;
  int64_t count = 0;    ///< queries of `from` whose nearest sample is of `to`
  int64_t queries = 0;  ///< number of queries of `from`
};

/// The relations between classes.
struct ClassView {
  std::vector<ReportConfusion> confused;
  eval::Projection projection;
  std::vector<std::string> projected;  ///< names of projection.classes
};

/// The content of a report. Empty members are left out of the page.
struct ReportInput {
  std::string run_name;
  std::string summary;  ///< a sentence or two: what was trained, which split evaluates it, why that is honest
  std::vector<std::pair<std::string, std::string>> facts;  ///< short: {"Steps", "3,000"}, {"Ranks", "2"} …
  std::string config_yaml;
  std::vector<ReportSeries> train;
  std::vector<ReportSeries> eval;
  eval::Subject subject = eval::Subject::kClasses;  ///< decides the headline
  eval::Metrics model;
  eval::Metrics baseline;
  std::string baseline_name = "Pixels";  ///< column title of the baseline
  std::vector<eval::RocPoint> roc;
  std::vector<eval::RocPoint> baseline_roc;
  eval::DistanceHistogram distances;
  std::vector<eval::Interval> intervals;  ///< intervals of the model's metrics
  std::vector<double> recall_curve;       ///< recall_at_k for k = 1, 2, …
  std::vector<double> baseline_recall_curve;
  ClassView classes;
  PairView pairs;
  std::vector<SheetRow> sample;
  std::vector<SheetRow> worst;
};

/// Renders the report as one self-contained HTML page: style, charts (SVG) and images are inline; it has no
/// script and no address of another file. All text is escaped. The bytes depend only on the input: no clock,
/// no host name.
std::string render_report(const ReportInput& input);

/// Writes the page atomically. Throws IoError.
void write_report(const std::filesystem::path& path, const ReportInput& input);

}  // namespace lodestone::report
