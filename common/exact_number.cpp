#include "common/exact_number.h"

#include <charconv>

namespace lodestone {

std::string exact_number(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

}  // namespace lodestone
