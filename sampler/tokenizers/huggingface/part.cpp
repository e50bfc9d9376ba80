#include "sampler/tokenizers/huggingface/part.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_text.h"
#include "common/printable.h"

namespace lodestone::sampler::huggingface {

namespace {

constexpr size_t kShown = 60;

// The value for people: its beginning if it is a word or number, else its kind.
std::string shown(const nlohmann::json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return "'" + printable(text.substr(0, kShown)) + (text.size() > kShown ? "…'" : "'");
  }
  if (value.is_number() || value.is_boolean()) return json_text(value);
  return value.is_object() ? "a mapping" : value.is_array() ? "a list" : "nothing";
}

}  // namespace

void Part::refuse(const std::string& expected) const {
  throw DataError("tokenizer: " + where_ + ": expected " + expected + ", got " + shown(*value_));
}

bool Part::has(const char* key) const {
  if (!value_->is_object()) refuse("a mapping");
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

Part Part::part(const char* key) const {
  static const nlohmann::json kNothing;
  return {has(key) ? *value_->find(key) : kNothing, where_ + (where_.ends_with(':') ? " " : ".") + key};
}

std::vector<Part> Part::items() const {
  if (!value_->is_array()) refuse("a list");
  std::vector<Part> all;
  all.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i)
    all.emplace_back((*value_)[i], where_ + "[" + std::to_string(i) + "]");
  return all;
}

std::vector<Part> Part::parts(const char* key) const {
  return part(key).items();
}

std::string Part::text() const {
  if (!value_->is_string()) refuse("a text");
  return value_->get<std::string>();
}

int64_t Part::number(int64_t most) const {
  const std::string expected = "a whole number from 0 to " + std::to_string(most);
  if (!value_->is_number_unsigned()) refuse(expected);
  const auto n = value_->get<uint64_t>();
  if (n > static_cast<uint64_t>(most)) refuse(expected);
  return static_cast<int64_t>(n);
}

double Part::real() const {
  if (!value_->is_number() || !std::isfinite(value_->get<double>())) refuse("a number");
  return value_->get<double>();
}

bool Part::yes() const {
  if (!value_->is_boolean()) refuse("true or false");
  return value_->get<bool>();
}

std::string Part::text_or(const char* key, const char* otherwise) const {
  return has(key) ? part(key).text() : otherwise;
}

bool Part::yes_or(const char* key, bool otherwise) const {
  return has(key) ? part(key).yes() : otherwise;
}

}  // namespace lodestone::sampler::huggingface
