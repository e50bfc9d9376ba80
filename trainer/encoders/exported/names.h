#pragma once

#include <map>
#include <string>

#include "common/error.h"
#include "trainer/encoders/exported/operation.h"

namespace lodestone::encoders::exported {

/// The slots of a program's values by name, while it is read.
class Names {
 public:
  /// A new slot for this name, which `of` finds after finish(). Throws DataError if the name has one.
  Slot add(const std::string& name) {
    const auto slot = static_cast<Slot>(slots_.size());
    if (!slots_.emplace(name, slot).second)
      throw DataError("exported: expected each value to be computed once, got '" + name +
                      "' twice; export the program again");
    return slot;
  }
  /// Throws DataError if no value of this name precedes.
  Slot of(const std::string& name) const {
    const auto found = slots_.find(name);
    if (found == slots_.end() || found->second >= finished_)
      throw DataError("exported: expected a value that was computed before it is read, got '" + name +
                      "'; export the program again");
    return found->second;
  }
  bool has(const std::string& name) const { return slots_.contains(name); }
  /// The values that were added are computed from here on: a value cannot depend on itself.
  void finish() { finished_ = static_cast<Slot>(slots_.size()); }
  size_t size() const { return slots_.size(); }

 private:
  std::map<std::string, Slot> slots_;
  Slot finished_ = 0;
};

}  // namespace lodestone::encoders::exported
