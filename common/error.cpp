#include "common/error.h"

#include <string_view>

#include "common/causes.h"
#include "common/config_faults.h"
#include "common/printable.h"
#include "common/torch_error.h"

namespace lodestone {

namespace {

// LibTorch's own messages have several lines, and so has a list of faults.
bool has_lines(const std::exception& error) {
  return dynamic_cast<const c10::Error*>(&error) != nullptr ||
         dynamic_cast<const ConfigFaultList*>(&error) != nullptr;
}

// Messages contain names of files, classes and hosts, which may have any characters.
std::string shown(const std::exception& error, const std::string& line_break) {
  const std::string reason = torch_reason(error);
  if (!has_lines(error)) return printable(reason);
  std::string out;
  for (size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = reason.find('\n', begin);
    out += (begin > 0 ? line_break : "") + printable(std::string_view(reason).substr(begin, end - begin));
  }
  return out;
}

void append(const std::exception& error, int depth, std::string& out) {
  const std::string indent = "\n" + std::string(2 * depth, ' ');
  if (depth > 0) out += indent + "because: ";
  out += shown(error, indent + "  ");
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& cause) {
    append(cause, depth + 1, out);
  }
}

void append_on_a_line(const std::exception& error, std::string& out) {
  out += (out.empty() ? "" : "; because: ") + shown(error, " ");
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& cause) {
    append_on_a_line(cause, out);
  }
}

}  // namespace

std::string explain(const std::exception& error) {
  std::string out;
  append(error, 0, out);
  return out;
}

std::string explain_on_a_line(const std::exception& error) {
  std::string out;
  append_on_a_line(error, out);
  return out;
}

}  // namespace lodestone
