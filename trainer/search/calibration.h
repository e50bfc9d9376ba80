#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trainer/eval/evaluate_rows.h"
#include "trainer/eval/rows.h"

namespace lodestone::search {

/// The decision threshold of a model: it says "same" for a score of at least `threshold`, which accepts at
/// most the share `far` of the different pairs that it was calibrated on.
struct Calibration {
  double threshold = 0;     ///< a score: cosine, or minus the squared distance
  double far = 0;           ///< requested false accept rate
  double measured_far = 0;  ///< false accept rate at the threshold, on the same pairs
  double tar = 0;           ///< true accept rate at the threshold
  int64_t step = 0;         ///< step of the checkpoint
  eval::Similarity similarity = eval::Similarity::kCosine;
  std::string weights = {};  ///< checksum of the weights; empty in files of earlier versions

  bool same(double score) const { return score >= threshold; }
};

/// Whether a threshold for "same" can be set on what was evaluated: pairs that are the same, and pairs that
/// are not.
bool tells_same(const eval::EvaluationResult& evaluated);

/// The threshold of a model that was evaluated at the false accept rate `far` (MetricOptions::far).
/// Throws    DataError if the data do not say what is the same (grades, triplets, captions), or if none of
///           their pairs is accepted at that rate
Calibration calibrate(const eval::EvaluationResult& evaluated, double far, eval::Similarity similarity);

/// The path of the calibration file in a run folder.
std::filesystem::path calibration_file(const std::filesystem::path& run_folder);
void write_calibration(const std::filesystem::path& file, const Calibration& calibration);
/// Unset if there is no file. Throws DataError if it cannot be parsed.
std::optional<Calibration> read_calibration(const std::filesystem::path& file);

}  // namespace lodestone::search
