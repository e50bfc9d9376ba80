#include "trainer/engine/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lodestone {

void Schedule::visit(Fields& f) {
  f.field({"steps", "training steps in all, one global batch each", "", 1}, &steps);
  f.field({"warmup_steps", "steps over which the learning rate rises from 0 to its peak", "", 0},
          &warmup_steps);
  f.field({"shape", "how the learning rate goes after the warm-up", "", {}, {}, {"cosine", "constant"}},
          &shape);
  f.field({"final_fraction", "the cosine ends at this share of the peak", "", 0, 1}, &final_fraction);
}

double Schedule::factor(int64_t step) const {
  if (step < warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  if (shape == "constant") return 1.0;
  const auto span = static_cast<double>(std::max<int64_t>(steps - warmup_steps, 1));
  const double progress = std::min(static_cast<double>(step - warmup_steps) / span, 1.0);
  return final_fraction + (1 - final_fraction) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace lodestone
