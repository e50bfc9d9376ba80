#include "trainer/survey/class_survey.h"

#include <algorithm>
#include <unordered_set>

namespace lodestone::survey {

int64_t ClassSurvey::classes_with(int64_t at_least) const {
  return std::ranges::count_if(count_c, [at_least](int64_t count) { return count >= at_least; });
}

ClassSurvey survey_classes(const sampler::Dataset& data) {
  ClassSurvey found;
  found.samples = data.size();
  found.classes = data.classes();
  found.count_c.resize(static_cast<size_t>(found.classes));
  for (int64_t i = 0; i < data.size(); ++i) ++found.count_c[static_cast<size_t>(data.label(i))];
  std::unordered_set<int64_t> groups;
  for (int64_t c = 0; c < data.classes(); ++c) groups.insert(data.group(c));
  found.groups = static_cast<int64_t>(groups.size());
  found.per_class = spread_of({found.count_c.begin(), found.count_c.end()});
  return found;
}

}  // namespace lodestone::survey
