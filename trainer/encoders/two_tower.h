#pragma once

#include <memory>
#include <vector>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

/// The encoders that two_tower chooses its towers from.
struct Towers {
  std::vector<TableRow<Encoder>> image, text;
};

std::unique_ptr<Encoder> make_two_tower(std::shared_ptr<const Towers> towers);

}  // namespace lodestone::encoders
