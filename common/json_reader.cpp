#include "common/json_reader.h"

#include <utility>
#include <vector>

#include "common/error.h"
#include "common/printable.h"

namespace lodestone {

namespace {

using nlohmann::json;

// Removes the library's prefix of the error kind: "[json.exception.parse_error.101] ".
std::string reason(std::string_view what) {
  const size_t end = what.starts_with('[') ? what.find("] ") : std::string_view::npos;
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

/// Builds the document from the lexer's events and stops at the first one that is not allowed. The library's
/// own parser with a callback would iterate over all members of a mapping whenever one of them ends.
class Builder : public nlohmann::json_sax<json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return refuse("bytes that are no text"); }

  bool start_object(size_t) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    json& object = *open_.back();
    if (object.size() >= limits_.members)
      return refuse("a mapping of more than " + std::to_string(limits_.members) + " members");
    const auto [member, is_new] = object.emplace(key, nullptr);
    if (!is_new) return refuse("the key '" + key + "' twice");
    place_ = &*member;
    return true;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    return refuse(reason(error.what()));
  }

  json take() { return std::move(whole_); }
  const std::string& refusal() const { return refusal_; }

 private:
  bool refuse(std::string what) {
    // What was read may be long, and is somebody else's.
    constexpr size_t kLongest = 300;
    refusal_ = printable(what.substr(0, kLongest)) + (what.size() > kLongest ? "…" : "");
    return false;
  }

  // Where to put the next value; null if it exceeds a limit. The pointer stays valid: an array does not grow
  // while one of its items is open.
  json* place() {
    if (values_++ >= limits_.values) {
      refuse("more than " + std::to_string(limits_.values) + " values");
      return nullptr;
    }
    if (open_.empty()) return &whole_;
    if (open_.back()->is_object()) return place_;
    if (open_.back()->size() >= limits_.array_items) {
      refuse("an array of more than " + std::to_string(limits_.array_items) + " items");
      return nullptr;
    }
    return &open_.back()->emplace_back(nullptr);
  }

  bool put(json value) {
    json* const place = this->place();
    if (place) *place = std::move(value);
    return place != nullptr;
  }

  bool open(json value) {
    if (open_.size() >= limits_.depth)
      return refuse("more than " + std::to_string(limits_.depth) + " levels");
    json* const place = this->place();
    if (!place) return false;
    *place = std::move(value);
    open_.push_back(place);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const JsonLimits limits_;
  json whole_;
  std::vector<json*> open_;  // open mappings and arrays, outermost first
  json* place_ = nullptr;    // of the member whose key came last
  size_t values_ = 0;
  std::string refusal_;
};

}  // namespace

json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits) {
  Builder builder(limits);
  if (json::sax_parse(text, &builder)) return builder.take();
  throw CheckpointError(name + ": expected valid JSON, got " + builder.refusal());
}

std::optional<json> read_json(std::string_view text, const JsonLimits& limits) {
  Builder builder(limits);
  if (json::sax_parse(text, &builder)) return builder.take();
  return {};
}

}  // namespace lodestone
