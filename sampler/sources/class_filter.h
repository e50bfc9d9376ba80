#pragma once

#include <string>
#include <vector>

#include "sampler/left_out.h"

namespace lodestone {

/// Which classes of a data set are kept, by globs of their names: those that one of the globs fits (any, if there are none but those
/// with "!"), and none of the globs with a leading "!". `*` also matches "/", so "Greek/*" keeps all below Greek. Remembers which
/// globs have fitted a name: one that fits none is most often a slip.
class ClassFilter {
 public:
  explicit ClassFilter(std::vector<std::string> globs);

  bool passes(const std::string& name);
  /// The globs that no name has fitted so far.
  LeftOut unfitting() const;

 private:
  std::vector<std::string> globs_;
  std::vector<bool> has_fitted_;
  bool keeps_some_ = false;  ///< whether there is a glob without "!"
};

}  // namespace lodestone
