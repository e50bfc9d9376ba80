#include "sampler/path_patterns.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <glob.h>

#include "common/error.h"
#include "common/paths.h"
#include "common/printable.h"

namespace lodestone {

namespace {

constexpr size_t kMaxPaths = 1'000'000;

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
  std::vector<std::string> choices;
  for (int64_t n = *begin; n <= *end; ++n) {
    std::string digits = std::to_string(n);
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

struct Globbed {
  glob_t matches{};
  ~Globbed() { globfree(&matches); }
};

}  // namespace

std::vector<std::string> expand_braces(const std::string& pattern) {
  const auto open = pattern.find('{');
  if (open == std::string::npos) return {pattern};
  const auto close = pattern.find('}', open);
  if (close == std::string::npos) throw ConfigError("path: expected '}' after '{' in '" + pattern + "'");
  const std::string_view body = std::string_view(pattern).substr(open + 1, close - open - 1);
  const auto dots = body.find("..");
  std::vector<std::string> choices;
  if (dots != std::string_view::npos)
    choices = counted(body.substr(0, dots), body.substr(dots + 2), pattern);
  else if (body.find(',') != std::string_view::npos)
    choices = listed(body);
  else
    choices = {pattern.substr(open, close - open + 1)};
  const std::vector<std::string> tails = expand_braces(pattern.substr(close + 1));
  if (choices.size() * tails.size() > kMaxPaths)
    throw ConfigError("path: expected at most 1000000 files, got more from '" + pattern + "'");
  std::vector<std::string> paths;
  for (const std::string& choice : choices)
    for (const std::string& tail : tails) paths.push_back(pattern.substr(0, open) + choice + tail);
  return paths;
}

std::vector<std::string> expand_paths(const std::string& pattern) {
  std::vector<std::string> paths;
  for (const std::string& one : expand_braces(pattern)) {
    const std::string expanded = user_path(one, "path");  // {~/a,s3://b} is known as one only now
    if (path_exists(expanded)) {
      paths.push_back(expanded);  // as it is, even if it holds characters that mean something in a glob
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
    while (!common.empty() && *std::filesystem::path(path).lexically_relative(common).begin() == "..")
      common = common.parent_path();
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

std::string name_in_quotes(std::string_view name) {
  return "'" + printable(name) + "'" +
         (has_scheme(name) ? ", an address, while only files are read (copy or mount them first)" : "");
}

}  // namespace lodestone
