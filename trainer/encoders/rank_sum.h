#pragma once

#include <ATen/core/ivalue.h>
#include <torch/custom_class.h>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

/// Holds a SumOverRanks so that a node of the autograd graph can store it.
struct RankSum : torch::CustomClassHolder {
  explicit RankSum(SumOverRanks function) : sum(std::move(function)) {}

  static c10::IValue keep(SumOverRanks function) {
    return c10::IValue::make_capsule(c10::make_intrusive<RankSum>(std::move(function)));
  }
  static const SumOverRanks& kept(const c10::IValue& value) {
    return c10::static_intrusive_pointer_cast<RankSum>(value.toCapsule())->sum;
  }

  SumOverRanks sum;
};

}  // namespace lodestone::encoders
