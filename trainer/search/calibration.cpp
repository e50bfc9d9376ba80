#include "trainer/search/calibration.h"

#include <cmath>

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

}  // namespace

Calibration calibrate(const std::vector<eval::RocPoint>& curve, double far, eval::Similarity similarity) {
  const eval::RocPoint* chosen = nullptr;
  for (const eval::RocPoint& point : curve)
    if (point.far <= far && std::isfinite(point.threshold)) chosen = &point;
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
