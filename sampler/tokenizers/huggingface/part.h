#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/choices.h"

namespace lodestone::sampler::huggingface {

/// A value of tokenizer.json and where it stands, for errors: "x/tokenizer.json: normalizer.normalizers[1]".
/// Throws    every reader: DataError that names the place, what was expected and what was found
class Part {
 public:
  Part(const nlohmann::json& value, std::string where) : value_(&value), where_(std::move(where)) {}

  const nlohmann::json& value() const { return *value_; }
  const std::string& where() const { return where_; }

  /// Whether the mapping has the key with a value other than null.
  bool has(const char* key) const;
  Part part(const char* key) const;
  std::vector<Part> parts(const char* key) const;  ///< of a list
  std::vector<Part> items() const;                 ///< of this list

  std::string text() const;
  int64_t number(int64_t most) const;  ///< a whole number, 0 to most
  double real() const;
  bool yes() const;
  std::string text_or(const char* key, const char* otherwise) const;
  bool yes_or(const char* key, bool otherwise) const;

  [[noreturn]] void refuse(const std::string& expected) const;

 private:
  const nlohmann::json* value_;
  std::string where_;
};

/// The row of a table whose name is the part's "type".
template <typename Row>
const Row& row_of(const Part& part, std::span<const Row> table) {
  const Part type = part.part("type");
  const std::string name = type.text();
  for (const Row& row : table)
    if (name == row.name) return row;
  type.refuse(names_that(table, [](const Row&) { return true; }) +
              "; this version has no other, so a model that needs it cannot be used");
}

}  // namespace lodestone::sampler::huggingface
