#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones.h>
#include <nlohmann/json.hpp>

#include "trainer/encoders/exported/drawn_dropout.h"
#include "trainer/encoders/exported/reading.h"

namespace lodestone::encoders::exported {

namespace {

// The result of a random operator; one that works in place also changes its input.
void put(Frame& frame, const at::Tensor& input, const at::Tensor& value, bool in_place, Slot result) {
  const at::Tensor written = in_place ? at::Tensor(input).copy_(value) : value;
  if (result != kNoSlot) frame[result] = written;
}

struct Dropout : Operation {
  Operand x, probability;
  DropoutSite site;
  std::optional<int64_t> rows_per_row;
  bool whole_planes = false;  // Dropout2d: all pixels of a channel together
  bool in_place = false;
  Slot result = kNoSlot;

  Dropout(Operand input, Operand p) : x(std::move(input)), probability(std::move(p)) {}
  void run(Frame& frame) const override {
    const at::Tensor input = x.value(frame).toTensor();
    const double p = probability.value(frame).toScalar().toDouble();
    if (frame.mode.training && p > 0)
      put(frame, input, whole_planes ? input * of_planes(frame, input, p) : of(frame, input, p), in_place,
          result);
    else
      frame[result] = input;
  }

 private:
  at::Tensor of(const Frame& frame, const at::Tensor& input, double p) const {
    return dropped(input, p, site, rows_per_row, frame.mode);
  }
  at::Tensor of_planes(const Frame& frame, const at::Tensor& input, double p) const {
    std::vector<int64_t> shape(static_cast<size_t>(input.dim()), 1);
    shape[0] = input.size(0), shape[1] = input.size(1);
    return of(frame, at::ones(shape, input.options()), p);
  }
};

/// bernoulli_(p), from which models make a dropout of their own (stochastic depth): 1 with probability p. In
/// evaluation the expectation p, so that x · noise / p is x.
struct Bernoulli : Operation {
  Operand x, probability;
  DropoutSite site;
  std::optional<int64_t> rows_per_row;
  bool in_place = false;
  Slot result = kNoSlot;

  Bernoulli(Operand input, Operand p) : x(std::move(input)), probability(std::move(p)) {}
  void run(Frame& frame) const override {
    const at::Tensor input = x.value(frame).toTensor();
    const double p = probability.value(frame).toScalar().toDouble();
    const bool draws = frame.mode.training && p > 0 && p < 1;
    const at::Tensor noise =
        draws ? dropped(at::ones(input.sizes(), input.options()), 1 - p, site, rows_per_row, frame.mode)
                    .ne(0)
                    .to(input.scalar_type())
              : at::full_like(input, p);
    put(frame, input, noise, in_place, result);
  }
};

// The operands of a dropout. Its `train` is the mode of the export; it shows a file that was exported in
// eval().
template <typename Operation>
Read read_random(const Node& node, Reading& reading, std::vector<Slot> results) {
  const char* input = node.argument("input") != nullptr ? "input" : "self";
  Operand x(node.given(input), reading.names, nullptr);
  auto reads = x.slots();
  auto operation =
      std::make_unique<Operation>(std::move(x), Operand(node.given("p"), reading.names, nullptr));
  if (const auto* train = node.argument("train"))
    ++(train->at("as_bool").template get<bool>() ? reading.trained : reading.evaluated);
  operation->site = reading.next_site++;
  operation->rows_per_row = reading.rows_per_row(node, input);
  operation->in_place = node.target().find("_.") != std::string::npos;
  operation->result = node.only(results);
  return {std::move(operation), std::move(reads), {}};
}

}  // namespace

Read read_dropout(const Node& node, Reading& reading, std::vector<Slot> results) {
  return read_random<Dropout>(node, reading, std::move(results));
}

Read read_dropout_of_planes(const Node& node, Reading& reading, std::vector<Slot> results) {
  Read read = read_random<Dropout>(node, reading, std::move(results));
  static_cast<Dropout&>(*read.operation).whole_planes = true;
  return read;
}

Read read_bernoulli(const Node& node, Reading& reading, std::vector<Slot> results) {
  return read_random<Bernoulli>(node, reading, std::move(results));
}

}  // namespace lodestone::encoders::exported
