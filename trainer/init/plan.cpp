#include "trainer/init/plan.h"

#include <algorithm>
#include <cctype>

#include "common/exact_number.h"
#include "common/json_text.h"
#include "common/text_format.h"

namespace lodestone::init {

namespace {

constexpr size_t kLine = 118;  // of the configurations that come with the program

std::vector<std::string> parts_of(const std::string& key) {
  std::vector<std::string> parts{""};
  for (const char c : key) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back().push_back(c);
  }
  return parts;
}

// A comment, wrapped.
std::string comment(const std::string& text, size_t indent) {
  const std::string begin = std::string(indent, ' ') + "#";
  std::string out, line = begin;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (line.size() + 1 + end - at > kLine && line != begin) {
      out += line + "\n";
      line = begin;
    }
    line += " " + text.substr(at, end - at);
    at = end + 1;
  }
  return out + line + "\n";
}

}  // namespace

void Plan::set(const std::string& key, const std::string& value, const std::string& reason) {
  const auto found = std::ranges::find(settings_, key, &Setting::key);
  if (found != settings_.end()) {
    *found = {key, value, reason};
    return;
  }
  // Beside the others of its mapping, which a file may have only once.
  const std::string mapping = key.substr(0, key.rfind('.') + 1);
  auto place = settings_.end();
  if (!mapping.empty())
    for (auto one = settings_.begin(); one != settings_.end(); ++one)
      if (one->key.starts_with(mapping)) place = std::next(one);
  settings_.insert(place, {key, value, reason});
}

void Plan::set(const std::string& key, int64_t value, const std::string& reason) {
  set(key, std::to_string(value), reason);
}

void Plan::set(const std::string& key, double value, const std::string& reason) {
  set(key, compact(value), reason);
}

std::string Plan::yaml(const std::vector<std::string>& head) const {
  std::string out;
  for (const std::string& line : head) out += comment(line, 0);
  std::vector<std::string> open;  // mappings around the previous setting
  for (const Setting& setting : settings_) {
    std::vector<std::string> around = parts_of(setting.key);
    const std::string name = around.back();
    around.pop_back();
    size_t same = 0;
    while (same < std::min(open.size(), around.size()) && open[same] == around[same]) ++same;
    if (same == 0 && (around.empty() ? !open.empty() : true)) out += "\n";
    for (size_t d = same; d < around.size(); ++d) out += std::string(2 * d, ' ') + around[d] + ":\n";
    open = around;
    const size_t indent = 2 * around.size();
    const std::string line = std::string(indent, ' ') + name + ": " + setting.value;
    if (setting.reason.empty())
      out += line + "\n";
    else if (line.size() + setting.reason.size() + 4 <= kLine)
      out += line + "  # " + setting.reason + "\n";
    else
      out += comment(setting.reason, indent) + line + "\n";
  }
  return out;
}

std::string yaml_text(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '/' || c == '_' || c == '-' || c == '.';
  };
  static const char* const kWords[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  const bool is_plain = !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
                        std::ranges::all_of(text, plain) &&
                        std::ranges::find(kWords, text) == std::end(kWords);
  return is_plain ? text : json_text(nlohmann::json(text));
}

std::string yaml_list(const std::vector<std::string>& texts) {
  std::vector<std::string> values;
  for (const std::string& text : texts) values.push_back(yaml_text(text));
  return "[" + joined(values) + "]";
}

std::string yaml_part(const sampler::DataPart& part) {
  std::string text = part.of == sampler::PartOf::kSamples ? "of: samples, " : "";
  if (part.from > 0) text += "from: " + exact_number(part.from) + (part.to < 1 ? ", " : "");
  if (part.to < 1) text += "to: " + exact_number(part.to);
  return "{" + text + "}";
}

std::string yaml_list(const std::vector<double>& numbers) {
  std::vector<std::string> values;
  for (const double number : numbers) values.push_back(compact(number));
  return "[" + joined(values) + "]";
}

}  // namespace lodestone::init
