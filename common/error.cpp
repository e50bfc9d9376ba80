#include "common/error.h"

#include "common/torch_error.h"

namespace lodestone {

namespace {

void append(const std::exception& error, int depth, std::string& out) {
  if (depth > 0) out += "\n" + std::string(2 * depth, ' ') + "because: ";
  out += torch_reason(error);
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& cause) {
    append(cause, depth + 1, out);
  }
}

}  // namespace

std::string explain(const std::exception& error) {
  std::string out;
  append(error, 0, out);
  return out;
}

}  // namespace lodestone
