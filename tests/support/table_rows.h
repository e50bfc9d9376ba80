#pragma once

#include <set>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "common/fields.h"

namespace lodestone::testing {

/// Accepts every key and counts its field descriptions that lack a name or a sentence.
class Described : public Fields {
 public:
  void field(const FieldInfo& info, FieldValue) override { check(info); }
  void group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) override {
    check(info);
    visit_members(*this);
  }
  void slot(const FieldInfo& info, SlotBase&) override { check(info); }

 private:
  static void check(const FieldInfo& info) {
    EXPECT_STRNE(info.name, "");
    EXPECT_STRNE(info.doc, "") << info.name;
  }
};

/// What holds for every table: names that differ and are YAML words, and a description of each.
template <typename Row>
void expect_named(std::span<const Row> table) {
  EXPECT_FALSE(table.empty());
  std::set<std::string> names;
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_EQ(std::string(row.name).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string::npos);
    EXPECT_STRNE(row.doc, "");
    EXPECT_FALSE(std::string(row.doc).ends_with('.'));
  }
}

/// The same for a table of implementations, each of which is made and describes its settings.
template <typename Interface>
void expect_consistent(std::span<const TableRow<Interface>> table) {
  expect_named(table);
  for (const auto& row : table) {
    SCOPED_TRACE(row.name);
    const auto made = row.make();
    ASSERT_NE(made, nullptr);
    Described settings;
    made->visit(settings);
  }
}

}  // namespace lodestone::testing
