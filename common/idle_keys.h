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
  virtual void leave_idle(std::initializer_list<const char*> keys, const std::string& because) = 0;
};

/// Says, before they are walked, that these keys of the mapping at hand have no effect: where they are given, reading refuses them,
/// and they are not written. `because` goes on the sentence "has no effect" and ends with what to do.
inline void without_effect(Fields& f, std::initializer_list<const char*> keys, const std::string& because) {
  if (auto* heeds = dynamic_cast<IdleKeys*>(&f)) heeds->leave_idle(keys, because);
}

/// read_fields of what a run once kept, maybe in an earlier version: its idle keys count as absent. Those of --set are refused.
void read_kept_fields(const std::shared_ptr<ConfigNode>& root, const std::function<void(Fields&)>& visit);

}  // namespace lodestone
