#include "trainer/run/changed_settings.h"

#include <set>
#include <sstream>
#include <vector>

namespace lodestone::run {

namespace {

/// A line, with the lines of the groups that contain it.
struct Setting {
  std::vector<std::string> groups;
  std::string line;

  std::string path() const {
    std::string all;
    for (const std::string& group : groups) all += group + "\n";
    return all + line;
  }
  bool is_name() const { return line.find_first_not_of(' ') == line.find("name: "); }
};

// Lines of values only: a line that ends in a colon opens a group.
std::vector<Setting> settings_of(const std::string& yaml) {
  std::vector<Setting> all;
  std::vector<std::string> groups;
  std::istringstream lines(yaml);
  for (std::string line; std::getline(lines, line);) {
    groups.resize(line.find_first_not_of(' ') / 2);
    if (line.ends_with(':'))
      groups.push_back(line);
    else
      all.push_back({groups, line});
  }
  return all;
}

}  // namespace

std::string changed_settings(const std::string& yaml, const std::string& defaults) {
  std::set<std::string> known;
  for (const Setting& setting : settings_of(defaults)) known.insert(setting.path());
  std::string text;
  std::vector<std::string> open;
  for (const Setting& setting : settings_of(yaml)) {
    const bool named = setting.is_name() && !setting.groups.empty();
    if (known.contains(setting.path()) && !named) continue;
    for (size_t depth = 0; depth < setting.groups.size(); ++depth) {
      if (depth < open.size() && open[depth] == setting.groups[depth]) continue;
      open.resize(depth);
      open.push_back(setting.groups[depth]);
      text += setting.groups[depth] + "\n";
    }
    open.resize(setting.groups.size());
    text += setting.line + "\n";
  }
  return text;
}

}  // namespace lodestone::run
