#pragma once

#include <string>

namespace lodestone {

/// As many digits as the value needs: it is read back with the same bits.
std::string exact_number(double value);

}  // namespace lodestone
