#include "trainer/engine/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/keys_without_effect.h"

namespace lodestone::engine {

namespace {

constexpr Choice<ScheduleShape> kShapes[] = {{"cosine", ScheduleShape::kCosine},
                                             {"linear", ScheduleShape::kLinear},
                                             {"polynomial", ScheduleShape::kPolynomial},
                                             {"step", ScheduleShape::kStep},
                                             {"constant", ScheduleShape::kConstant}};

}  // namespace

void Schedule::visit(Fields& f) {
  f.field({.name = "steps", .doc = "number of training steps, one global batch each", .min = 1}, &steps);
  f.field({.name = "warmup_steps",
           .doc = "number of steps over which the learning rate rises from 0 to its peak",
           .min = 0},
          &warmup_steps);
  if (warmup_steps >= steps && warmup_steps != Schedule().warmup_steps)
    refuse_given(f, "warmup_steps",
                 "expected fewer than schedule.steps (" + std::to_string(steps) +
                     "), since the learning rate would never reach its peak, got " +
                     std::to_string(warmup_steps) + "; lower it",
                 "steps");
  f.choice({.name = "shape", .doc = "course of the learning rate after the warm-up"}, &shape, kShapes);
  const std::string because =
      "with schedule.shape: " + choice_name(shape, kShapes) + "; leave it out, or set schedule.shape: ";
  if (shape == ScheduleShape::kConstant)
    without_effect(f, {"final_fraction"}, because + "cosine, linear, polynomial or step");
  if (shape != ScheduleShape::kPolynomial) without_effect(f, {"power"}, because + "polynomial");
  if (shape != ScheduleShape::kStep) without_effect(f, {"milestones", "drop"}, because + "step");
  f.field(
      {.name = "final_fraction",
       .doc =
           "final learning rate of cosine, linear and polynomial, and lower bound of step, as a fraction of "
           "the peak",
       .min = 0,
       .max = 1},
      &final_fraction);
  f.field({.name = "power", .doc = "polynomial: exponent of the fraction of steps that is left", .min = 0},
          &power);
  f.field({.name = "milestones",
           .doc = "step: steps at which the learning rate drops",
           .unit = "steps",
           .min = 0},
          &milestones);
  if (shape == ScheduleShape::kStep && milestones.empty())
    without_effect(f, {"drop"}, "without milestones; set schedule.milestones, or leave it out");
  f.field({.name = "drop", .doc = "step: factor of one drop", .min = 0, .max = 1}, &drop);
}

double Schedule::factor(int64_t step) const {
  if (step < warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  if (shape == ScheduleShape::kConstant) return 1.0;
  if (shape == ScheduleShape::kStep) {
    const auto passed =
        std::count_if(milestones.begin(), milestones.end(), [&](int64_t m) { return m <= step; });
    return std::max(final_fraction, std::pow(drop, static_cast<double>(passed)));
  }
  const auto span = static_cast<double>(std::max<int64_t>(steps - warmup_steps, 1));
  const double left = 1.0 - std::min(static_cast<double>(step - warmup_steps) / span, 1.0);
  const double curve = shape == ScheduleShape::kLinear       ? left
                       : shape == ScheduleShape::kPolynomial ? std::pow(left, power)
                                                             : 0.5 * (1 - std::cos(std::numbers::pi * left));
  return final_fraction + (1 - final_fraction) * curve;
}

}  // namespace lodestone::engine
