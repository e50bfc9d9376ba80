#include "sampler/sources/class_filter.h"

#include <algorithm>
#include <utility>

#include <fnmatch.h>

namespace lodestone::sampler {

namespace {

bool leaves_out(const std::string& glob) {
  return glob.starts_with('!');
}

}  // namespace

ClassFilter::ClassFilter(std::vector<std::string> globs)
    : globs_(std::move(globs)),
      has_fitted_(globs_.size()),
      keeps_some_(!std::all_of(globs_.begin(), globs_.end(), leaves_out)) {}

bool ClassFilter::passes(const std::string& name) {
  bool kept = !keeps_some_, left_out = false;
  for (size_t g = 0; g < globs_.size(); ++g) {
    const std::string& glob = globs_[g];
    if (fnmatch(glob.c_str() + (leaves_out(glob) ? 1 : 0), name.c_str(), 0) != 0) continue;
    has_fitted_[g] = true;
    (leaves_out(glob) ? left_out : kept) = true;
  }
  return kept && !left_out;
}

LeftOut ClassFilter::unfitting() const {
  LeftOut found;
  for (size_t g = 0; g < globs_.size(); ++g)
    if (!has_fitted_[g])
      found.add("entry|entries of class_filter without a class that fits; correct class_filter",
                "'" + globs_[g] + "'");
  return found;
}

}  // namespace lodestone::sampler
