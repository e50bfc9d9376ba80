#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "trainer/eval/measures.h"
#include "trainer/eval/pairs.h"
#include "trainer/eval/projection.h"
#include "trainer/eval/roc.h"

namespace lodestone {

/// Values over steps, named as in metrics.jsonl ("loss", "learning_rate", "recall_at_1" …).
struct ReportSeries {
  std::string name;
  std::vector<double> steps;
  std::vector<double> values;
};

/// One item of the picture sheet. `png` may be empty (texts): then the label stands in its place.
struct SheetPicture {
  std::string png;    ///< bytes of a PNG file
  std::string label;  ///< short: the class, the typeface …
};

struct SheetNeighbour {
  SheetPicture picture;
  bool right = false;
  double score = 0;
};

struct SheetRow {
  SheetPicture query;
  std::vector<SheetNeighbour> neighbours;  ///< best first
};

/// Classes whose samples are nearest to each other, by name.
struct ReportConfusion {
  std::string from;
  std::string to;
  int64_t count = 0;    ///< queries of `from` whose nearest sample is of `to`
  int64_t queries = 0;  ///< of so many
};

/// How classes lie.
struct ClassView {
  std::vector<ReportConfusion> confused;
  Projection projection;
  std::vector<std::string> projected;  ///< names of projection.classes
};

/// All a report shows. What is empty is left out of the page.
struct ReportInput {
  std::string run_name;
  std::string summary;  ///< a sentence or two: what was trained, which split judges it, why that is honest
  std::vector<std::pair<std::string, std::string>> facts;  ///< short: {"Steps", "3,000"}, {"Ranks", "2"} …
  std::string config_yaml;
  std::vector<ReportSeries> train;
  std::vector<ReportSeries> eval;
  Measures model;
  Measures floor;
  std::string floor_name = "Pixels";  ///< what the floor is, as a column title
  std::vector<RocPoint> roc;
  std::vector<RocPoint> floor_roc;
  DistanceHistogram distances;
  std::vector<Interval> intervals;   ///< of the model's measures
  std::vector<double> recall_curve;  ///< recall_at_k for k = 1, 2, …
  std::vector<double> floor_recall_curve;
  ClassView classes;
  std::vector<SheetRow> sample;
  std::vector<SheetRow> worst;
};

/// The report as one HTML page that needs nothing else: style, charts (SVG) and pictures are inline, there is
/// no script and no address of any other file. Every text is escaped. The input decides the bytes: no clock,
/// no host name.
std::string render_report(const ReportInput& input);

/// Writes it atomically. Throws IoError.
void write_report(const std::filesystem::path& path, const ReportInput& input);

}  // namespace lodestone
