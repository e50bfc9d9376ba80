#pragma once

#include <string>
#include <vector>

#include "trainer/data_view/data_facts.h"

namespace lodestone::data_view {

/// What is wrong with the data, or does not fit the configuration: a sentence each, with its remedy.
std::vector<std::string> warnings_of(const run::RunConfig& config, const Sides& sides,
                                     const DataFacts& facts);

}  // namespace lodestone::data_view
