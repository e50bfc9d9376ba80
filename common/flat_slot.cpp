#include "common/flat_slot.h"

#include <set>

#include "common/keys_without_effect.h"

namespace lodestone {

namespace {

/// The keys of one mapping.
class KeyNames : public Fields {
 public:
  std::set<std::string> names;

  void field(const FieldInfo& info, FieldValue) override { names.insert(info.name); }
  void group(const FieldInfo& info, const std::function<void(Fields&)>&) override { names.insert(info.name); }
  void slot(const FieldInfo& info, SlotBase&) override { names.insert(info.name); }
};

/// Passes the keys that are not in `known` on to `to`, as keys without effect.
class WithoutEffect : public Fields {
 public:
  WithoutEffect(Fields& to, std::set<std::string>& known, std::string because)
      : to_(to), known_(known), because_(std::move(because)) {}

  void field(const FieldInfo& info, FieldValue value) override {
    if (is_new(info)) to_.field(info, value);
  }
  void group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) override {
    if (is_new(info)) to_.group(info, visit_members);
  }
  void slot(const FieldInfo& info, SlotBase& slot) override {
    if (is_new(info)) to_.slot(info, slot);
  }

 private:
  bool is_new(const FieldInfo& info) {
    const bool added = known_.insert(info.name).second;
    if (added) without_effect(to_, {info.name}, because_);
    return added;
  }

  Fields& to_;
  std::set<std::string>& known_;
  std::string because_;
};

}  // namespace

void visit_rows(Fields& f, const std::string& key, const std::string& chosen,
                const std::vector<RowVisit>& rows) {
  KeyNames own;
  for (const RowVisit& row : rows) {
    if (row.name != chosen) continue;
    row.visit(own);
    row.visit(f);
  }
  for (const RowVisit& row : rows) {
    if (row.name == chosen) continue;
    WithoutEffect others(f, own.names,
                         "with " + key + ": " + chosen + "; leave it out, or set " + key + ": " + row.name);
    row.visit(others);
  }
}

}  // namespace lodestone
