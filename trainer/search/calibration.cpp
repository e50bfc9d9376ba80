#include "trainer/search/calibration.h"

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/paths.h"
#include "common/text_format.h"

namespace lodestone::search {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxBytes = 1 << 20;

[[noreturn]] void refuse(const fs::path& file) {
  throw DataError(
      file.string() +
      ": expected a calibration, got something else; create it again with `lodestone evaluate --calibrate`");
}

// What the data are, if no threshold for "same" can be set on them; else null.
const char* without_verdicts(eval::Subject subject) {
  switch (subject) {
    case eval::Subject::kGradedPairs:
      return "pairs with a grade";
    case eval::Subject::kTriplets:
      return "triplets";
    case eval::Subject::kCaptions:
      return "images with captions";
    default:
      return nullptr;
  }
}

}  // namespace

bool tells_same(const eval::EvaluationResult& evaluated) {
  return without_verdicts(evaluated.subject) == nullptr && !evaluated.roc.empty();
}

Calibration calibrate(const eval::EvaluationResult& evaluated, double far, eval::Similarity similarity) {
  if (const char* what = without_verdicts(evaluated.subject))
    throw DataError(
        std::string("calibration: expected classes, or pairs with a label (1: the same, 0: not), got ") +
        what + ", which do not say what is the same; name other data with --data, or leave out --calibrate");
  if (evaluated.roc.empty())
    throw DataError(
        "calibration: expected pairs that are the same and pairs that are not, got one kind alone; evaluate "
        "on at least two classes with two samples each");
  const auto& chosen = evaluated.operating_point;
  if (!chosen)
    throw DataError(
        "calibration: expected pairs of which a threshold accepts some at a false accept rate of " +
        compact(far) + ", got none; evaluate on more samples, or ask for a higher rate");
  return {chosen->threshold, far, chosen->far, chosen->tar, 0, similarity, {}};
}

fs::path calibration_file(const fs::path& run_folder) {
  return run_folder / "calibration.json";
}

void write_calibration(const fs::path& file, const Calibration& calibration) {
  nlohmann::json json = {{"threshold", calibration.threshold},
                         {"far", calibration.far},
                         {"measured_far", calibration.measured_far},
                         {"tar", calibration.tar},
                         {"step", calibration.step},
                         {"likeness", choice_name(calibration.similarity, eval::kSimilarities)}};
  if (!calibration.weights.empty()) json["weights"] = calibration.weights;
  write_file_atomic(file, json_text(json, 2) + "\n");
}

std::optional<Calibration> read_calibration(const fs::path& file) {
  if (!path_exists(file)) return {};
  const nlohmann::json json = read_json(read_file(file, kMaxBytes)).value_or(nullptr);
  try {
    if (!json.at("step").is_number_integer()) refuse(file);
    return Calibration{json.at("threshold"),
                       json.at("far"),
                       json.at("measured_far"),
                       json.at("tar"),
                       json.at("step"),
                       choice_named(json.at("likeness").get<std::string>(), eval::kSimilarities)
                           .value_or(eval::Similarity::kCosine),
                       json.value("weights", "")};
  } catch (const nlohmann::json::exception&) {
    refuse(file);
  }
}

}  // namespace lodestone::search
