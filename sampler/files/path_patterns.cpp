#include "sampler/files/path_patterns.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <glob.h>

#include "common/error.h"
#include "common/paths.h"
#include "common/printable.h"

namespace lodestone::sampler {

namespace {

constexpr size_t kMaxPaths = 1'000'000;
constexpr size_t kMaxBytes = size_t{1} << 29;  // of all results together

// Checked before the results are made: none is longer than the pattern by more than the digits of a number.
void check_count(size_t count, const std::string& pattern) {
  if (count > kMaxPaths)
    throw ConfigError("path: expected at most 1000000 files, got more from '" + pattern + "'");
  if (count * pattern.size() > kMaxBytes)
    throw ConfigError("path: expected names of at most 512 MiB together, got more from '" +
                      pattern.substr(0, 200) + "…'; write a list or a glob (*)");
}

std::optional<int64_t> number(std::string_view digits) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0) return std::nullopt;
  return value;
}

std::vector<std::string> counted(std::string_view first, std::string_view last, const std::string& pattern) {
  const auto begin = number(first);
  const auto end = number(last);
  if (!begin || !end || *end < *begin || static_cast<uint64_t>(*end - *begin) >= kMaxPaths)
    throw ConfigError("path: expected a range like {000..123} of at most 1000000 files, got '" + pattern +
                      "'");
  check_count(static_cast<size_t>(*end - *begin) + 1, pattern);
  std::vector<std::string> choices;
  for (int64_t n = 0; n <= *end - *begin; ++n) {
    std::string digits = std::to_string(*begin + n);
    if (digits.size() < first.size()) digits.insert(0, first.size() - digits.size(), '0');
    choices.push_back(std::move(digits));
  }
  return choices;
}

std::vector<std::string> listed(std::string_view body) {
  std::vector<std::string> choices;
  for (;;) {
    const auto comma = body.find(',');
    choices.emplace_back(body.substr(0, comma));
    if (comma == std::string_view::npos) return choices;
    body.remove_prefix(comma + 1);
  }
}

// The alternatives of a group in its braces; a group without alternatives stands for itself.
std::vector<std::string> choices_of(std::string_view group, const std::string& pattern) {
  const std::string_view body = group.substr(1, group.size() - 2);
  const auto dots = body.find("..");
  if (dots != std::string_view::npos) return counted(body.substr(0, dots), body.substr(dots + 2), pattern);
  if (body.find(',') != std::string_view::npos) return listed(body);
  return {std::string(group)};
}

// Appends `text` and each alternative to each path.
void extend(std::vector<std::string>& paths, const std::string& text, const std::vector<std::string>& choices,
            const std::string& pattern) {
  check_count(paths.size() * choices.size(), pattern);
  if (choices.size() == 1) {  // in place, since there may be many such groups
    for (std::string& path : paths) (path += text) += choices.front();
    return;
  }
  std::vector<std::string> longer;
  for (const std::string& path : paths)
    for (const std::string& choice : choices) longer.push_back(path + text + choice);
  paths = std::move(longer);
}

// An absolute and a relative path are never below each other.
bool lies_below(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const std::filesystem::path way = path.lexically_relative(folder);
  return !way.empty() && *way.begin() != "..";
}

struct Globbed {
  glob_t matches{};
  ~Globbed() { globfree(&matches); }
};

}  // namespace

std::vector<std::string> expand_braces(const std::string& pattern) {
  std::vector<std::string> paths{""};
  size_t at = 0;
  for (size_t open = 0; (open = pattern.find('{', at)) != std::string::npos;) {
    const auto close = pattern.find('}', open);
    if (close == std::string::npos) throw ConfigError("path: expected '}' after '{' in '" + pattern + "'");
    const auto choices = choices_of(std::string_view(pattern).substr(open, close - open + 1), pattern);
    extend(paths, pattern.substr(at, open - at), choices, pattern);
    at = close + 1;
  }
  extend(paths, pattern.substr(at), {""}, pattern);
  return paths;
}

std::vector<std::string> expand_paths(const std::string& pattern) {
  std::vector<std::string> paths;
  for (const std::string& one : expand_braces(pattern)) {
    const std::string expanded = user_path(one, "path");  // braces may expand to one: {~/a,s3://b}
    if (path_exists(expanded)) {
      paths.push_back(expanded);  // unchanged, even with special characters of globs
      continue;
    }
    Globbed globbed;
    if (glob(expanded.c_str(), 0, nullptr, &globbed.matches) != 0)
      throw DataError("path: expected a file, got nothing that matches '" + expanded + "'" +
                      (expanded == pattern ? "" : " (from '" + pattern + "')") + "; check the path");
    for (size_t i = 0; i < globbed.matches.gl_pathc; ++i) paths.emplace_back(globbed.matches.gl_pathv[i]);
  }
  return paths;
}

std::vector<std::string> relative_names(const std::vector<std::string>& paths) {
  std::filesystem::path common = std::filesystem::path(paths.front()).parent_path();
  for (const std::string& path : paths)
    while (!common.empty() && !lies_below(path, common))
      common = common.has_relative_path() ? common.parent_path() : std::filesystem::path();
  std::vector<std::string> names;
  for (const std::string& path : paths)
    names.push_back(common.empty() ? path : std::filesystem::path(path).lexically_relative(common).string());
  return names;
}

bool stays_below(std::string_view name) {
  const std::filesystem::path path(name);
  if (name.empty() || path.is_absolute() || name.find('\0') != std::string_view::npos) return false;
  for (const auto& part : path)
    if (part == "..") return false;
  return !has_scheme(name);
}

bool is_list_entry(std::string_view name) {
  return stays_below(name) && !name.starts_with("~/");
}

std::string name_in_quotes(std::string_view name) {
  const char* why = has_scheme(name) ? ", an address, while only files are read (copy or mount them first)"
                    : name.starts_with("~/")
                        ? ", in the home folder (put the list where its files are; ./~/ is a folder named ~)"
                        : "";
  return "'" + printable(name) + "'" + why;
}

}  // namespace lodestone::sampler
