#pragma once

#include <exception>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace lodestone {

class Fields;
struct ConfigNode;

/// Several faults of a configuration in one error: a heading, then a numbered line for each.
class ConfigFaultList : public ConfigError {
 public:
  explicit ConfigFaultList(std::span<const std::string> sentences);
};

/// Words of the field, or of other programs, for keys of this one.
struct KeySynonym {
  std::string_view words;         ///< without the mapping around them, with blanks between
  std::vector<const char*> keys;  ///< full keys: "optimizer.learning_rate"; empty: no key does this
  const char* note = "";          ///< how a value is converted, or what to do where no key does it
};

/// A key that its mapping does not have.
struct UnknownKey {
  std::string mapping;             ///< its full key; "" for the whole configuration
  std::string word;                ///< the key in it
  std::vector<std::string> known;  ///< the keys that the mapping has
  std::string by_set;              ///< continues "remove it" where --set is a remedy too
  std::string key() const { return mapping.empty() ? word : mapping + "." + word; }
};

/// Collects the faults of a configuration, so that a user learns all of them at once.
///
///     ConfigFaults faults;
///     read_fields(root, visit, faults);
///     faults.collect([&] { check(config); });
///     faults.throw_any(visit, {});
class ConfigFaults {
 public:
  /// Calls `read`, which reads the value of `key` at `node`; keeps the ConfigError that it throws. Returns
  /// whether it threw none.
  bool collect_value(const ConfigNode& node, const std::string& key, const std::function<void()>& read);
  /// Calls `act`, which concerns no key alone; keeps the ConfigError that it throws.
  void collect_apart(const std::function<void()>& act);
  /// Calls `check`, which compares several values; keeps the ConfigError that it throws, unless its sentence
  /// mentions a key with a fault of its own, from which it may follow.
  void collect(const std::function<void()>& check, int line = 0);
  /// Adds a fault that a check would throw with this sentence.
  void add(const std::string& sentence, int line = 0);
  /// `place` is that of the key in messages.
  void add_unknown(const ConfigNode& node, const std::string& place, UnknownKey key);

  /// Throws one error with all faults, in the order of the lines; a single fault is thrown as it is. `visit`
  /// visits the whole configuration, to find what an unknown key may mean; its slots lose their settings.
  /// Throws    ConfigError
  void throw_any(const std::function<void(Fields&)>& visit, std::span<const KeySynonym> synonyms) const;

 private:
  struct Fault {
    int line = 0;                   ///< 0: not in a file
    std::exception_ptr error = {};  ///< null for an unknown key
    std::string key = {};           ///< whose value is wrong
    bool may_follow = false;        ///< from a fault of another key
    std::string place = {};         ///< of an unknown key
    UnknownKey unknown = {};
  };
  std::vector<std::string> sentences(const std::function<void(Fields&)>& visit,
                                     std::span<const KeySynonym> synonyms,
                                     std::vector<std::string>& faulty_keys) const;
  bool keep_error_of(const std::function<void()>& act, Fault fault);

  std::vector<Fault> faults_;
};

}  // namespace lodestone
