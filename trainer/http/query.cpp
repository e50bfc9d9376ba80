#include "trainer/http/query.h"

#include <algorithm>
#include <charconv>

#include "common/error.h"
#include "common/printable.h"
#include "common/utf8.h"

namespace lodestone::http {

namespace {

// The byte that the two hexadecimal digits of an escape stand for.
char unescaped(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || value == 0)
    throw DataError("query: expected two hexadecimal digits after %, and no zero byte, got %" +
                    printable(digits));
  return static_cast<char>(value);
}

std::string decoded(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      plain += unescaped(text.substr(i + 1, 2));
      i += 2;
    } else {
      plain += text[i] == '+' ? ' ' : text[i];
    }
  }
  if (!is_utf8(plain)) throw DataError("query: expected UTF-8, got '" + printable(plain) + "'");
  return plain;
}

}  // namespace

std::map<std::string, std::string> parse_query(std::string_view target) {
  std::map<std::string, std::string> parameters;
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return parameters;
  std::string_view rest = target.substr(mark + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (one.empty()) continue;
    const size_t equals = std::min(one.find('='), one.size());
    std::string name = decoded(one.substr(0, equals));
    const std::string_view value = one.substr(std::min(one.size(), equals + 1));
    if (!parameters.emplace(name, decoded(value)).second)
      throw DataError("query: expected '" + printable(name) + "' once, got it twice");
  }
  return parameters;
}

}  // namespace lodestone::http
