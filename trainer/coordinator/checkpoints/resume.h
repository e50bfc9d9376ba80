#pragma once

#include <string>

#include "common/fields.h"

namespace lodestone::coordinator {

/// The checkpoint that a run continues from.
struct Resume {
  enum class From {
    kNewest,   ///< of the run folder, if it has one
    kNothing,  ///< a new run; an earlier one in the folder is set aside
    kPath,     ///< the checkpoint at `path`, or the newest in that folder
  };
  static constexpr Choice<From> kNames[] = {{"auto", From::kNewest}, {"none", From::kNothing}};

  From from = From::kNewest;
  std::string path = {};

  /// What the option --resume means: "auto", "none" or a path.
  static Resume named(const std::string& option) {
    if (const auto from = choice_named(option, kNames)) return {*from, {}};
    return {From::kPath, option};
  }
  bool is_path() const { return from == From::kPath; }
};

}  // namespace lodestone::coordinator
