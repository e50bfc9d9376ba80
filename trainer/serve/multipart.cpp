#include "trainer/serve/multipart.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "common/error.h"
#include "common/utf8.h"

namespace lodestone::serve {

namespace {

constexpr size_t kHeaderBytes = 1024, kBoundaryBytes = 70, kNameBytes = 64;

[[noreturn]] void refuse(const std::string& where, const std::string& expected) {
  throw DataError("form: " + where + ": expected " + expected + ", got something else");
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes `key=value` or `key="value"` off the front of `rest`, which begins behind a ';'. Unset if malformed.
struct Parameter {
  std::string_view key;
  std::string value;
};
std::optional<Parameter> take_parameter(std::string_view& rest) {
  const size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return {};
  Parameter found{trimmed(rest.substr(0, equals)), {}};
  rest = trimmed(rest.substr(equals + 1));
  if (!rest.starts_with('"')) {
    const size_t end = std::min(rest.find(';'), rest.size());
    found.value = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return found;
  }
  size_t i = 1;
  for (; i < rest.size() && rest[i] != '"'; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    found.value += rest[i];
  }
  if (i >= rest.size()) return {};
  rest = trimmed(rest.substr(i + 1));
  if (!rest.empty() && rest.front() != ';') return {};
  rest.remove_prefix(std::min<size_t>(rest.size(), 1));
  return found;
}

// The value of a parameter of a header such as `form-data; name="a"`; unset if it is missing, malformed or
// occurs twice.
std::optional<std::string> parameter_of(std::string_view header, std::string_view key) {
  std::string_view rest = header.substr(std::min(header.find(';'), header.size()));
  if (!rest.empty()) rest.remove_prefix(1);
  std::optional<std::string> value;
  while (!trimmed(rest).empty()) {
    std::optional<Parameter> parameter = take_parameter(rest);
    if (!parameter) return {};
    if (!same_word(parameter->key, key)) continue;
    if (value) return {};
    value = std::move(parameter->value);
  }
  return value;
}

// The field's name by the headers of a part, which are lines without their ends.
std::string name_of(std::string_view headers, const std::string& where) {
  std::optional<std::string> name;
  for (std::string_view rest = headers; !rest.empty();) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 2));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) refuse(where, "headers");
    const std::string_view key = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    if (same_word(key, "Content-Transfer-Encoding") && !same_word(value, "binary") &&
        !same_word(value, "8bit") && !same_word(value, "7bit"))
      refuse(where, "the bytes themselves, without Content-Transfer-Encoding");
    if (!same_word(key, "Content-Disposition")) continue;
    if (name || !same_word(trimmed(value.substr(0, value.find(';'))), "form-data"))
      refuse(where, "Content-Disposition: form-data once");
    name = parameter_of(value, "name");
    if (!name) break;
  }
  if (!name || name->empty() || name->size() > kNameBytes || !is_utf8(*name))
    refuse(where, "the field's name");
  return *name;
}

}  // namespace

std::string multipart_boundary(std::string_view content_type) {
  const std::optional<std::string> boundary = parameter_of(content_type, "boundary");
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("'()+_,-./:=? ").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!boundary || boundary->empty() || boundary->size() > kBoundaryBytes || boundary->back() == ' ' ||
      !std::ranges::all_of(*boundary, allowed))
    throw DataError("form: expected a boundary of 1 to 70 characters in Content-Type, got none");
  return *boundary;
}

std::vector<FormPart> parse_multipart(std::string_view body, std::string_view boundary, size_t most) {
  const std::string mark = "\r\n--" + std::string(boundary);
  std::vector<FormPart> parts;
  // Without bytes before the first boundary, it has no line end before it.
  const std::string_view first = std::string_view(mark).substr(2);
  size_t at = body.starts_with(first) ? first.size() : body.find(mark);
  if (at == std::string_view::npos) refuse("body", "the boundary of Content-Type");
  if (!body.starts_with(first)) at += mark.size();
  for (;;) {
    const std::string where = "part " + std::to_string(parts.size());
    std::string_view rest = body.substr(at);
    if (rest.starts_with("--")) return parts;
    if (parts.size() == most)
      throw DataError("form: expected at most " + std::to_string(most) + " parts, got more; send several");
    while (rest.starts_with(' ') || rest.starts_with('\t')) rest.remove_prefix(1);
    if (!rest.starts_with("\r\n")) refuse(where, "a line end after the boundary");
    const size_t end = rest.substr(0, kHeaderBytes).find("\r\n\r\n");
    if (end == std::string_view::npos) refuse(where, "at most 1024 bytes of headers and an empty line");
    std::string name = name_of(rest.substr(2, end < 2 ? 0 : end - 2), where);
    const size_t begin = body.size() - rest.size() + end + 4;
    // An empty part: its boundary's line end is that of the empty line.
    const size_t stop = body.find(mark, begin - 2);
    if (stop == std::string_view::npos) refuse(where, "an end, which is the boundary");
    parts.push_back({std::move(name), stop < begin ? std::string_view() : body.substr(begin, stop - begin)});
    at = stop + mark.size();
  }
}

}  // namespace lodestone::serve
