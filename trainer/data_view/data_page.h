#pragma once

#include <string>

#include "trainer/data_view/data_facts.h"
#include "trainer/data_view/side.h"
#include "trainer/run/run_config.h"

namespace lodestone::data_view {

/// The data of a configuration as one self-contained HTML page, light and dark: warnings, facts, samples by
/// class, what training and evaluation have in common, and the first batch as the encoder gets it. It has no
/// script and no address of another file; all text is escaped.
/// Memory    the page: at most some 400 images of 112 pixels
std::string data_page(const std::string& name, const run::RunConfig& config, const Sides& sides,
                      const DataFacts& facts);

}  // namespace lodestone::data_view
