#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "trainer/plan/plan_model.h"

namespace lodestone::plan {

/// The file of `lodestone plan --json`: the prediction `chosen`, the largest global batch, and predictions
/// whose rank counts double, with a fixed and with a growing global batch.
nlohmann::json to_json(const StepCost& cost, const Machine& machine, const Prediction& chosen,
                       int64_t largest_batch, const std::vector<Prediction>& fixed,
                       const std::vector<Prediction>& growing);

}  // namespace lodestone::plan
