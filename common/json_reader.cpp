#include "common/json_reader.h"

#include <set>
#include <vector>

#include "common/error.h"

namespace lodestone {

namespace {

// A mapping or array that is still open.
struct Level {
  std::set<std::string> keys;
  size_t items = 0;
};

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits) {
  using Event = nlohmann::json::parse_event_t;
  const auto refuse = [&name](const std::string& what) {
    throw CheckpointError(name + ": expected valid JSON, got " + what);
  };
  std::vector<Level> open;
  const auto check = [&](int, Event event, nlohmann::json& parsed) {
    if (event == Event::object_start || event == Event::array_start) {
      if (open.size() >= limits.depth) refuse("more than " + std::to_string(limits.depth) + " levels");
      open.emplace_back();
    } else if (event == Event::object_end || event == Event::array_end) {
      open.pop_back();
    } else if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open.back().keys.insert(key).second) refuse("the key '" + key + "' twice");
    } else if (!open.empty() && ++open.back().items > limits.array_items && open.back().keys.empty()) {
      refuse("an array of more than " + std::to_string(limits.array_items) + " items");
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::exception& error) {
    throw CheckpointError(name + ": expected valid JSON, got " + error.what());
  }
}

}  // namespace lodestone
