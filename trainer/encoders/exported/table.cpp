#include <algorithm>

#include <nlohmann/json.hpp>

#include "trainer/encoders/exported/reading.h"

namespace lodestone::encoders::exported {

Read read_arithmetic(const Node& node, Reading& reading, std::vector<Slot> results);
Read read_attention(const Node& node, Reading& reading, std::vector<Slot> results);
Read read_view(const Node& node, Reading& reading, std::vector<Slot> results);
Read read_batch_norm(const Node& node, Reading& reading, std::vector<Slot> results);
Read read_bernoulli(const Node& node, Reading& reading, std::vector<Slot> results);
Read read_dropout(const Node& node, Reading& reading, std::vector<Slot> results);
Read read_dropout_of_planes(const Node& node, Reading& reading, std::vector<Slot> results);
Read read_item(const Node& node, Reading& reading, std::vector<Slot> results);
bool is_arithmetic(const std::string& target);

namespace {

struct Row {
  const char* target;
  Reader read;
};

constexpr Row kRows[] = {
    {.target = "_operator.getitem", .read = read_item},
    {.target = "torch.ops.aten.batch_norm.default", .read = read_batch_norm},
    {.target = "torch.ops.aten.bernoulli.p", .read = read_bernoulli},
    {.target = "torch.ops.aten.bernoulli_.float", .read = read_bernoulli},
    {.target = "torch.ops.aten.dropout.default", .read = read_dropout},
    {.target = "torch.ops.aten.dropout_.default", .read = read_dropout},
    {.target = "torch.ops.aten.feature_dropout.default", .read = read_dropout_of_planes},
    {.target = "torch.ops.aten.scaled_dot_product_attention.default", .read = read_attention},
    {.target = "torch.ops.aten.view.default", .read = read_view},
};

}  // namespace

std::optional<int64_t> Reading::rows_per_row(const Node& node, const std::string& argument) const {
  const auto* given = node.argument(argument);
  if (given == nullptr || !given->contains("as_tensor")) return std::nullopt;
  const auto note = notes.find(given->at("as_tensor").at("name").get<std::string>());
  if (note == notes.end() || note->second.sizes.empty()) return std::nullopt;
  return exported::rows_per_row(note->second.sizes[0], batch);
}

Reader own_reader(const std::string& target) {
  if (is_arithmetic(target)) return read_arithmetic;
  const auto* own = std::ranges::find(kRows, target, &Row::target);
  return own == std::end(kRows) ? nullptr : own->read;
}

Read read_node(const Node& node, Reading& reading) {
  const Reader own = own_reader(node.target());
  const std::vector<Slot> results = node.add_results(reading.names);
  Read read = (own != nullptr ? own : read_call)(node, reading, results);
  read.results = results;
  reading.names.finish();
  return read;
}

}  // namespace lodestone::encoders::exported
