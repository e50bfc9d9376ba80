#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/choices.h"
#include "common/fields.h"

namespace lodestone {

/// A row of a table whose settings are keys of one mapping, together with those of the other rows.
struct RowVisit {
  std::string name;
  std::function<void(Fields&)> visit;
};

/// Visits the keys of the row called `chosen`, then the keys that only other rows have: these have no effect,
/// and a reader refuses them with a sentence that names `key` and a row that has them. Rows may share a key.
void visit_rows(Fields& f, const std::string& key, const std::string& chosen,
                const std::vector<RowVisit>& rows);

/// A slot whose name and settings share a mapping with keys of all rows, as in
/// `sampler: {name: pk, samples_per_class: 4}`. Unlike the keys of a plain slot, those of rows that are not
/// chosen are known: an empty value, or one that a run has kept, is passed over.
template <typename Interface>
class FlatSlot : public Slot<Interface> {
 public:
  /// `key` is the full key of the name: "sampler.name", whose last part is the key in the mapping.
  FlatSlot(std::span<const TableRow<Interface>> table, std::string_view first, std::string key)
      : Slot<Interface>(table, first), table_(table), key_(std::move(key)) {}

  /// The name, and the settings of all rows.
  void visit(Fields& f) override {
    std::string name = this->name();
    const std::string docs = docs_of(table_);
    const char* own_key = key_.c_str() + key_.rfind('.') + 1;
    f.field({.name = own_key, .doc = docs.c_str(), .choices = names_of(table_)}, &name);
    if (name != this->name()) this->choose(name);
    std::vector<std::unique_ptr<Interface>> others;
    std::vector<RowVisit> rows;
    for (const auto& row : table_) {
      Interface* one = &**this;
      if (name != row.name) one = others.emplace_back(row.make()).get();
      rows.push_back({row.name, [one](Fields& members) { one->visit(members); }});
    }
    visit_rows(f, key_, name, rows);
  }

 private:
  std::span<const TableRow<Interface>> table_;
  std::string key_;
};

}  // namespace lodestone
