#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

ForwardMode ForwardMode::for_rows(const at::Tensor& index_n) const {
  ForwardMode mode = *this;
  mode.draw.row_b = draw.row_b.defined() ? draw.row_b.index_select(0, index_n) : index_n;
  return mode;
}

void Encoder::visit(Fields& f) {
  visit_architecture(f);
  initial_.visit(f);
  f.field({.name = "frozen",
           .doc = "parameters that are not trained, as globs of their names; a batch norm whose weight is "
                  "frozen keeps its running statistics"},
          &frozen_);
}

void Encoder::build(const InputShape& input, uint64_t seed) {
  parameters_ = std::make_unique<Parameters>(seed);
  make(input, *parameters_);
  parameters_->freeze(frozen_);
}

std::vector<WeightsReport> Encoder::load_initial_weights() {
  if (initial_.init_from.empty()) return {};
  return {initial_.load(*parameters_, [this](const std::string& name, const at::Tensor& value) {
    return adapted(name, value);
  })};
}

at::Tensor Encoder::adapted(const std::string&, const at::Tensor& value) const {
  return value;
}

}  // namespace lodestone::encoders
