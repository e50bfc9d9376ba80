#pragma once

#include <memory>
#include <string>
#include <vector>

#include "trainer/coordinator/run_context.h"
#include "trainer/run/trained_model.h"
#include "trainer/serve/served_model.h"

namespace lodestone::commands {

/// Prepares a trained model for requests: its preprocessing, its threshold, its newest evaluation.
/// `workers` threads embed at the same time.
/// Throws    ConfigError if the encoder does not allow that; what loading throws
std::shared_ptr<const serve::ServedModel> served_model(std::shared_ptr<run::TrainedModel> model,
                                                       const coordinator::RunContext& context,
                                                       int64_t workers);

/// Number of threads that can embed at the same time with this model.
int64_t embedding_workers(const run::TrainedModel& model, const coordinator::RunContext& context);

}  // namespace lodestone::commands
