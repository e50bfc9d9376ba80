#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/fields.h"

namespace lodestone {

/// The full keys of a configuration: those that it has as it is set, and those that it would have with
/// another row of a slot.
///
///     KeyIndex index;
///     config.visit(index);        // the rows of config's slots lose their settings
class KeyIndex : public Fields {
 public:
  /// The rows of a slot that have a key.
  struct Owner {
    std::string slot;  ///< its full key
    std::string chosen;
    std::vector<std::string> rows;
    /// "loss.name: infonce, supcon"
    std::string sentence() const;
  };

  bool has(const std::string& key) const;
  /// Null if no row that is not chosen has the key.
  const Owner* owner(const std::string& key) const;
  /// The keys as set whose last part is `word`; if there are none, those of other rows.
  std::vector<std::string> ending_with(std::string_view word) const;

  void field(const FieldInfo& info, FieldValue value) override;
  void group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) override;
  void slot(const FieldInfo& info, SlotBase& slot) override;

 private:
  void add(const std::string& key);
  void below(const FieldInfo& info, const std::function<void()>& visit);

  std::string prefix_;
  std::vector<std::string> keys_;
  std::map<std::string, Owner> owners_;
  Owner* row_ = nullptr;  ///< the slot and the row whose keys are visited; null: those that are set
};

}  // namespace lodestone
