#pragma once

#include <string>
#include <vector>

#include "trainer/eval/rows.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/search/hard_negatives.h"

namespace lodestone::commands {

/// A page of the triplets whose negatives are the most similar, so that a person sees whether they are wrong
/// labels. It reads the samples that it shows. `indices_N`: the sample of each row.
std::string mined_page(const std::vector<search::MinedTriplet>& mined, const eval::LabelledRows& rows,
                       const std::vector<int64_t>& indices_N, const run::Input& input);

}  // namespace lodestone::commands
