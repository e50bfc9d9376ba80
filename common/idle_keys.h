#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

#include "common/fields.h"

namespace lodestone {

struct ConfigNode;

// Keys of a configuration that have no effect as other keys are set: those of a sampler, a memory or a kind of data that is not in use.

/// A Fields that wants to know of them.
class IdleKeys {
 public:
  virtual ~IdleKeys() = default;
  virtual void leave_idle(std::initializer_list<const char*> keys, const std::string& because,
                          const char* off_switch) = 0;
  virtual void refuse_given(const char* /*key*/, const std::string& /*sentence*/, const char* /*by*/) {}
};

/// Says, before they are walked, that these keys of the mapping at hand have no effect: where they are given, reading refuses them,
/// and they are not written. `because` goes on the sentence "has no effect" and ends with what to do. `off_switch` is the key, maybe of
/// a mapping below ("data.path"), that turns the part off: where --set does that, what a file says of the part counts as absent.
inline void without_effect(Fields& f, std::initializer_list<const char*> keys, const std::string& because,
                           const char* off_switch = "") {
  if (auto* heeds = dynamic_cast<IdleKeys*>(&f)) heeds->leave_idle(keys, because, off_switch);
}

/// Says, after it was walked, that a value is in vain as the key `by` is set; reading refuses it. Not so what a run has kept, and what
/// a file says where --set has changed `by`. `sentence` says what was expected and what to do. For values that are no default.
inline void refuse_given(Fields& f, const char* key, const std::string& sentence, const char* by) {
  if (auto* heeds = dynamic_cast<IdleKeys*>(&f)) heeds->refuse_given(key, sentence, by);
}

/// read_fields of what a run once kept, maybe in an earlier version: its idle keys count as absent. Those of --set are refused.
void read_kept_fields(const std::shared_ptr<ConfigNode>& root, const std::function<void(Fields&)>& visit);

}  // namespace lodestone
