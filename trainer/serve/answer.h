#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "trainer/http/http_server.h"
#include "trainer/search/calibration.h"

/// What the answers of several paths have in common.
namespace lodestone::serve {

inline http::HttpAnswer json_answer(const nlohmann::json& json) {
  return {200, "application/json", json_text(json) + "\n"};
}

/// null without a calibration.
inline nlohmann::json threshold_of(const std::optional<search::Calibration>& calibration) {
  return calibration ? nlohmann::json(calibration->threshold) : nlohmann::json();
}

/// Whether a score means "the same": null without a calibration.
inline nlohmann::json verdict_of(const std::optional<search::Calibration>& calibration, double score) {
  return calibration ? nlohmann::json(calibration->same(score)) : nlohmann::json();
}

}  // namespace lodestone::serve
