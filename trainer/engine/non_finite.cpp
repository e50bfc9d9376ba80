#include "trainer/engine/non_finite.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>

#include "common/keys_without_effect.h"

namespace lodestone::engine {

namespace {

bool is_finite(const at::Tensor& x) {
  return !x.defined() || at::isfinite(x).all().item<bool>();
}

}  // namespace

void NonFiniteConfig::visit(Fields& f) {
  f.choice(
      {.name = "on_non_finite",
       .doc =
           "what happens at a step whose loss or gradient is not finite. fail: the run ends with the "
           "weights of the previous step; skip: the update is left out; rollback: training resumes from the "
           "newest checkpoint with other batches"},
      &action, kNonFiniteActions);
  if (action == NonFiniteAction::kFail)
    without_effect(f, {"max_non_finite"},
                   "with on_non_finite: fail, which ends the run at the first; leave it out, or set "
                   "on_non_finite: skip or rollback");
  f.field({.name = "max_non_finite",
           .doc = "number of such steps that are skipped or rolled back before the run fails",
           .unit = "steps",
           .min = 0},
          &limit);
}

std::string NonFinite::sentence() const {
  std::string text = "the " + choice_name(what, kNonFiniteValues) + (tensor.empty() ? "" : " of " + tensor) +
                     " of step " + std::to_string(step) + " is " + std::to_string(value);
  for (size_t i = 0; i < ranks.size(); ++i)
    text += (i == 0 ? ", from rows of rank " : ", ") + std::to_string(ranks[i]);
  return text;
}

NonFinite find_non_finite(const distributed::Group& world, NonFinite found,
                          const std::vector<at::Tensor>& own,
                          const std::vector<encoders::Parameter>& learned) {
  const at::NoGradGuard no_grad;
  int64_t mine = 0;
  for (const at::Tensor& x : own)
    if (!is_finite(x)) mine = 1;
  const std::vector<int64_t> flags = world.gather_counts(mine);
  for (size_t rank = 0; rank < flags.size(); ++rank)
    if (flags[rank] != 0) found.ranks.push_back(static_cast<int64_t>(rank));
  if (found.what == NonFiniteValue::kLoss) return found;
  for (const encoders::Parameter& parameter : learned) {
    if (is_finite(parameter.tensor.grad())) continue;
    found.tensor = parameter.name;
    break;
  }
  return found;
}

KeptBuffers::KeptBuffers(const std::vector<encoders::Parameter>& buffers) {
  for (const encoders::Parameter& buffer : buffers) {
    live_.push_back(buffer.tensor);
    kept_.push_back(buffer.tensor.detach().clone());
  }
}

void KeptBuffers::put_back() const {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < live_.size(); ++i) at::Tensor(live_[i]).copy_(kept_[i]);
}

}  // namespace lodestone::engine
