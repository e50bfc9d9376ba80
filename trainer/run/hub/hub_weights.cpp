#include "trainer/run/hub/hub_weights.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "common/json_text.h"
#include "common/printable.h"
#include "trainer/encoders/weights_files.h"

namespace lodestone::run {

namespace fs = std::filesystem;

namespace {

const at::Tensor& tensor_of(const TensorMap& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end())
    throw DataError("export: expected the weight '" + printable(name) +
                    "' in the encoder, got none; export.json and the program are not of one export: run "
                    "tools/export_encoder.py again");
  return found->second;
}

at::Tensor stored(const at::Tensor& x, at::ScalarType type) {
  return (x.is_floating_point() ? x.to(type) : x).contiguous();
}

at::Tensor lora(const TensorMap& ours, const std::string& layer, const char* side) {
  return tensor_of(ours, layer + ".lora_" + side + ".default.weight");
}

// model.safetensors: model-00001-of-00003.safetensors
std::string shard_name(const fs::path& file, size_t number, size_t of) {
  const auto digits = [](size_t value) {
    const std::string text = std::to_string(value);
    return std::string(text.size() < 5 ? 5 - text.size() : 0, '0') + text;
  };
  return file.stem().string() + "-" + digits(number) + "-of-" + digits(of) + ".safetensors";
}

const std::map<std::string, std::string> kMetadata = {{"format", "pt"}};

}  // namespace

TensorMap with_trained_weights(const fs::path& file, const NamesInFile& names, const TensorMap& ours,
                               at::ScalarType type) {
  ForeignTensors all = encoders::read_weights(file);
  if (!all.unreadable.empty())
    throw DataError("export: expected weights that are numbers in " + file.string() + ", got " +
                    printable(all.unreadable.begin()->first) + " of " +
                    printable(all.unreadable.begin()->second) +
                    ", as in a quantised model; name the folder of the model before that");
  for (const auto& [theirs, name] : names) {
    const auto found = all.tensors.find(theirs);
    if (found == all.tensors.end())
      throw DataError("export: expected the tensor '" + printable(theirs) + "' in " + file.string() +
                      ", got none; name the folder that the encoder was exported from with --from");
    const at::Tensor& trained = tensor_of(ours, name);
    if (trained.sizes() != found->second.sizes())
      throw DataError("export: expected the shape of '" + printable(theirs) + "' in " + file.string() +
                      " to be the trained one's, got another: train at the folder's own size");
    found->second = trained;
  }
  for (auto& [name, tensor] : all.tensors) tensor = stored(tensor, type);
  return all.tensors;
}

void merge_adapters(const Adapters& adapters, TensorMap& ours) {
  for (const std::string& layer : adapters.layers) {
    const std::string base = layer + ".base_layer.weight";
    const at::Tensor added = at::matmul(lora(ours, layer, "B"), lora(ours, layer, "A"));
    const at::Tensor& weight = tensor_of(ours, base);
    if (added.sizes() != weight.sizes())
      throw DataError("export: expected adapters of the shape of '" + printable(base) +
                      "', got another; run tools/export_encoder.py again");
    ours[base] = weight + added * adapters.scaling;
  }
}

TensorMap adapters_alone(const Adapters& adapters, const TensorMap& ours, at::ScalarType type) {
  TensorMap alone;
  for (const std::string& layer : adapters.layers) {
    if (!layer.starts_with(adapters.prefix))
      throw DataError("export: expected adapters in the folder's first model, got one at '" +
                      printable(layer) + "'; export with --adapters merged");
    for (const char* side : {"A", "B"})
      alone["base_model.model." + layer.substr(adapters.prefix.size()) + ".lora_" + side + ".weight"] =
          stored(lora(ours, layer, side), type);
  }
  return alone;
}

void write_weights(const fs::path& file, const TensorMap& tensors, uint64_t shard_bytes) {
  std::vector<TensorMap> shards(1);
  uint64_t total = 0, in_shard = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t bytes = tensor.nbytes();
    if (in_shard > 0 && in_shard + bytes > shard_bytes) {
      shards.emplace_back();
      in_shard = 0;
    }
    shards.back().emplace(name, tensor);
    in_shard += bytes;
    total += bytes;
  }
  if (shards.size() == 1) return write_safetensors(file, tensors, kMetadata);
  nlohmann::json where = nlohmann::json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(file, i + 1, shards.size());
    write_safetensors(file.parent_path() / name, shards[i], kMetadata);
    for (const auto& [tensor, value] : shards[i]) where[tensor] = name;
  }
  const nlohmann::json index = {{"metadata", {{"total_size", total}}}, {"weight_map", where}};
  write_file_synced(fs::path(file).concat(".index.json"), json_text(index, 2) + "\n");
}

}  // namespace lodestone::run
