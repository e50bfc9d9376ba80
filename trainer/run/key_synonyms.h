#pragma once

#include <span>

#include "common/config_faults.h"

namespace lodestone::run {

/// The words of other programs, and of the field, for keys of the configuration: what "did you mean" knows
/// besides spelling. key_synonyms.cpp has one row for each.
std::span<const KeySynonym> key_synonyms();

}  // namespace lodestone::run
