#pragma once

#include <map>
#include <memory>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include "common/rng.h"
#include "common/yaml.h"
#include "support/batches.h"
#include "trainer/encoders/encoder.h"

/// Small encoders and rows for them.
namespace lodestone::testing {
using namespace encoders;

constexpr InputShape kImages{1, 16, 16, 0, 0};
constexpr InputShape kTexts{0, 0, 0, 50, 12};
constexpr InputShape kBoth{1, 16, 16, 50, 12};

/// An encoder as the mapping below `encoder:` says, built.
inline std::unique_ptr<Slot<Encoder>> made(const std::string& yaml, const InputShape& input,
                                           uint64_t seed = 1) {
  auto slot = std::make_unique<Slot<Encoder>>(encoder_table(), "mlp");
  read_fields(parse_yaml("encoder: " + yaml, "test"), [&](Fields& f) { f.slot({.name = "encoder"}, *slot); });
  (*slot)->build(input, seed);
  return slot;
}

/// Parameters and running statistics by name.
inline std::map<std::string, at::Tensor> tensors_of(Encoder& encoder) {
  std::map<std::string, at::Tensor> all;
  for (const auto* list : {&encoder.parameters().learned(), &encoder.parameters().buffers()})
    for (const auto& parameter : *list) all[parameter.name] = parameter.tensor.detach();
  return all;
}

inline at::Tensor images(int64_t rows, const InputShape& input = kImages, uint64_t seed = 1) {
  return random_rows(rows, input.channels * input.height * input.width, seed)
      .view({rows, input.channels, input.height, input.width})
      .to(at::kFloat);
}

/// Rows of the kinds that the shape has: texts of 1 to `length` tokens; of both kinds in turn.
inline Features features(const InputShape& input, int64_t rows, int64_t length = 7, uint64_t seed = 1) {
  const bool both = input.channels > 0 && input.vocabulary > 0;
  Features x;
  if (input.channels > 0) x.pixels_nCHW = images(both ? (rows + 1) / 2 : rows, input, seed);
  if (input.vocabulary > 0) {
    const int64_t texts = both ? rows / 2 : rows;
    Random random(seed, Purpose::kNoise, 7);
    x.tokens_nT = at::empty({texts, length}, at::kLong);
    for (int64_t i = 0; i < texts * length; ++i)
      x.tokens_nT.mutable_data_ptr<int64_t>()[i] =
          static_cast<int64_t>(random.below(static_cast<uint64_t>(input.vocabulary)));
    x.mask_nT = at::arange(length).unsqueeze(0) <= (at::arange(texts).unsqueeze(1) * 3).remainder(length);
  }
  if (both) x.is_text_b = at::arange(rows).remainder(2).to(at::kBool);
  return x;
}

inline const InputShape& shape_for(Encoder& encoder) {
  return encoder.modality() == Modality::kImages  ? kImages
         : encoder.modality() == Modality::kTexts ? kTexts
                                                  : kBoth;
}

}  // namespace lodestone::testing
