#include "trainer/losses/softmax_pairs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/logaddexp.h>

#include "trainer/losses/log1p_exp.h"
#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

at::Tensor SoftmaxPairLoss::positive_terms(const at::Tensor& value_p, const at::Tensor& anchor_negative_p,
                                           const at::Tensor& /*reference_negative_p*/) const {
  return log1p_exp(anchor_negative_p - positive_logit(value_p)).unsqueeze(1);
}

Terms SoftmaxPairLoss::terms(const AnchorSums& sums) const {
  return mean_terms(sums.positive_ak.sum(), sums.positives_a.sum());
}

at::Tensor SoftmaxPairLoss::oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                                   const at::Tensor& negative_ac) const {
  const at::Tensor logit_ac = positive_logit(value_ac);
  const at::Tensor negatives_a = row_log_sum_exp(value_ac, negative_ac);
  const at::Tensor loss_ac = at::logaddexp(logit_ac, negatives_a.unsqueeze(1)) - logit_ac;
  return combine(mean_terms(row_sum(loss_ac, positive_ac).sum(), positive_ac.sum()));
}

}  // namespace lodestone::losses
