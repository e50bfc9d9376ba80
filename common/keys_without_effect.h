#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

#include "common/fields.h"

namespace lodestone {

class ConfigFaults;
struct ConfigNode;

// Keys without effect: keys of a configuration that have no effect because of the values of other keys, such
// as those of a sampler, a memory or a kind of data that is not in use.

/// A Fields that handles keys without effect.
class KeysWithoutEffect {
 public:
  virtual ~KeysWithoutEffect() = default;
  virtual void leave_without_effect(std::initializer_list<const char*> keys, const std::string& because,
                                    const char* off_switch) = 0;
  virtual void refuse_given(const char* /*key*/, const std::string& /*sentence*/, const char* /*by*/) {}
};

/// Declares, before they are visited, that these keys of the current mapping have no effect: reading refuses
/// them if they are given, and writing omits them. `because` continues the sentence "has no effect" and ends
/// with the next step. `off_switch` is the key, possibly of a nested mapping ("data.path"), that disables the
/// part: if --set changes it, the part's keys from the file count as absent.
inline void without_effect(Fields& f, std::initializer_list<const char*> keys, const std::string& because,
                           const char* off_switch = "") {
  if (auto* reader = dynamic_cast<KeysWithoutEffect*>(&f))
    reader->leave_without_effect(keys, because, off_switch);
}

/// Declares, after it was visited, that a value has no effect because of the key `by`: reading refuses it.
/// Exceptions are values that a run has kept, and values of the file if --set changed `by`. `sentence` states
/// what was expected and the next step. Only for values other than the default.
inline void refuse_given(Fields& f, const char* key, const std::string& sentence, const char* by) {
  if (auto* reader = dynamic_cast<KeysWithoutEffect*>(&f)) reader->refuse_given(key, sentence, by);
}

/// read_fields for a configuration that a run kept, possibly from an earlier version: its keys without
/// effect count as absent. Those of --set are refused.
void read_kept_fields(const std::shared_ptr<ConfigNode>& root, const std::function<void(Fields&)>& visit,
                      ConfigFaults& faults);
void read_kept_fields(const std::shared_ptr<ConfigNode>& root, const std::function<void(Fields&)>& visit);

}  // namespace lodestone
