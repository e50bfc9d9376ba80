#pragma once

#include <string>
#include <vector>

#include "sampler/left_out.h"

namespace lodestone::sampler {

/// Selects classes by globs of their names: keeps a class if one of the globs matches (or if there are only
/// globs with a leading "!") and no glob with a leading "!" does. `*` also matches "/", so "Greek/*" keeps
/// all classes below Greek. It records which globs have matched, since a glob without a match is most often a
/// typing error.
class ClassFilter {
 public:
  explicit ClassFilter(std::vector<std::string> globs);

  bool passes(const std::string& name);
  /// The globs that have not matched any name so far.
  LeftOut unfitting() const;

 private:
  std::vector<std::string> globs_;
  std::vector<bool> has_fitted_;
  bool keeps_some_ = false;  ///< whether there is a glob without "!"
};

}  // namespace lodestone::sampler
