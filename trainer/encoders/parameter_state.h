#pragma once

#include <string>

#include "common/state.h"
#include "trainer/encoders/parameters.h"

namespace lodestone::encoders {

/// Visits all tensors of an encoder, learned ones and buffers, as equal on all ranks.
inline void visit_parameters(StateVisitor& v, const std::string& group, const Parameters& parameters) {
  for (const auto* list : {&parameters.learned(), &parameters.buffers()})
    for (const auto& parameter : *list) v.replicated(group, parameter.name, parameter.tensor.detach());
}

/// Visits an encoder's running statistics as differing from rank to rank, under names that begin with
/// `prefix`.
inline void visit_own_statistics(StateVisitor& v, const std::string& prefix, const Parameters& parameters) {
  for (const auto& buffer : parameters.buffers())
    if (buffer.role == ParameterRole::kRunningStatistic) v.per_rank(prefix + buffer.name, buffer.tensor);
}

}  // namespace lodestone::encoders
