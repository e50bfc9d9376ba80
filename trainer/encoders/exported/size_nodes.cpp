#include <algorithm>

#include <nlohmann/json.hpp>

#include "trainer/encoders/exported/reading.h"

namespace lodestone::encoders::exported {

namespace {

/// Arithmetic on sizes, and comparisons of them.
struct Arithmetic : Operation {
  using Function = c10::IValue (*)(int64_t a, int64_t b);
  Function function;
  std::vector<Operand> operands;
  Slot result;

  void run(Frame& frame) const override {
    const auto number = [&](size_t i) {
      return i < operands.size() ? operands[i].value(frame).toScalar().toLong() : 0;
    };
    if (result != kNoSlot) frame[result] = function(number(0), number(1));
  }
};

int64_t floor_divided(int64_t a, int64_t b) {
  if (b == 0) throw DataError("exported: expected sizes that can be divided, got a division by 0");
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

struct ArithmeticRow {
  const char* target;
  Arithmetic::Function function;
};

constexpr ArithmeticRow kArithmetic[] = {
    {.target = "_operator.add", .function = [](int64_t a, int64_t b) { return c10::IValue(a + b); }},
    {.target = "_operator.sub", .function = [](int64_t a, int64_t b) { return c10::IValue(a - b); }},
    {.target = "_operator.mul", .function = [](int64_t a, int64_t b) { return c10::IValue(a * b); }},
    {.target = "_operator.floordiv",
     .function = [](int64_t a, int64_t b) { return c10::IValue(floor_divided(a, b)); }},
    {.target = "_operator.mod",
     .function = [](int64_t a, int64_t b) { return c10::IValue(a - b * floor_divided(a, b)); }},
    {.target = "_operator.neg", .function = [](int64_t a, int64_t) { return c10::IValue(-a); }},
    {.target = "torch.sym_max", .function = [](int64_t a, int64_t b) { return c10::IValue(std::max(a, b)); }},
    {.target = "torch.sym_min", .function = [](int64_t a, int64_t b) { return c10::IValue(std::min(a, b)); }},
};

/// One tensor of a list.
struct Item : Operation {
  Operand list;
  size_t index = 0;
  Slot result = kNoSlot;

  explicit Item(Operand all) : list(std::move(all)) {}
  void run(Frame& frame) const override { frame[result] = list.value(frame).toTensorVector().at(index); }
};

/// A view, or a copy where the tensor lies in channels-last order, as after a batch norm here and not in the
/// export.
struct View : Operation {
  Operand x, sizes;
  Slot result = kNoSlot;

  View(Operand viewed, Operand shape) : x(std::move(viewed)), sizes(std::move(shape)) {}
  void run(Frame& frame) const override {
    frame[result] = x.value(frame).toTensor().reshape(sizes.value(frame).toIntVector());
  }
};

}  // namespace

bool is_arithmetic(const std::string& target) {
  return std::ranges::find(kArithmetic, target, &ArithmeticRow::target) != std::end(kArithmetic);
}

Read read_arithmetic(const Node& node, Reading& reading, std::vector<Slot> results) {
  auto arithmetic = std::make_unique<Arithmetic>();
  arithmetic->function = std::ranges::find(kArithmetic, node.target(), &ArithmeticRow::target)->function;
  arithmetic->result = node.only(results);
  std::vector<Slot> reads;
  for (size_t i = 0; i < node.arguments(); ++i) {
    arithmetic->operands.emplace_back(node.argument(i), reading.names, nullptr);
    for (const Slot slot : arithmetic->operands.back().slots()) reads.push_back(slot);
  }
  return {std::move(arithmetic), std::move(reads), {}};
}

Read read_view(const Node& node, Reading& reading, std::vector<Slot> results) {
  auto view = std::make_unique<View>(Operand(node.given("self"), reading.names, nullptr),
                                     Operand(node.given("size"), reading.names, nullptr));
  view->result = node.only(results);
  std::vector<Slot> reads = view->x.slots();
  for (const Slot slot : view->sizes.slots()) reads.push_back(slot);
  return {std::move(view), std::move(reads), {}};
}

Read read_item(const Node& node, Reading& reading, std::vector<Slot> results) {
  auto item = std::make_unique<Item>(Operand(node.argument(0), reading.names, nullptr));
  item->index = node.argument(1).at("as_int").get<size_t>();
  item->result = node.only(results);
  auto reads = item->list.slots();
  return {std::move(item), std::move(reads), {}};
}

}  // namespace lodestone::encoders::exported
