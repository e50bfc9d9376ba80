#include "common/safetensors.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/safetensors_dtype.h"

namespace lodestone {

namespace {

struct Item {
  std::string name;
  at::Tensor tensor;  // on the CPU, contiguous
  const SafetensorsDtype* dtype;
};

std::vector<Item> items_in_data_order(const TensorMap& tensors) {
  std::vector<Item> items;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined())
      throw CheckpointError("safetensors: tensor '" + name + "': expected a value, got none");
    const SafetensorsDtype* dtype = find_dtype(tensor.scalar_type());
    if (!dtype)
      throw CheckpointError("safetensors: tensor '" + name + "': expected a type that can be stored (" +
                            dtype_names() + "), got " + c10::toString(tensor.scalar_type()) +
                            "; convert it first");
    if (name == kMetadataKey)
      throw CheckpointError("safetensors: the name '" + name + "' is reserved by the format; choose another");
    items.push_back({name, tensor.detach().cpu().contiguous(), dtype});
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.dtype->bytes > b.dtype->bytes; });
  return items;
}

std::string encode_header(const std::vector<Item>& items,
                          const std::map<std::string, std::string>& metadata) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  uint64_t offset = 0;
  for (const auto& item : items) {
    const uint64_t end = offset + item.tensor.nbytes();
    header[item.name] = {
        {"dtype", item.dtype->name}, {"shape", item.tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  try {
    std::string text = header.dump();
    // Data that begins at a multiple of eight is aligned for every type when the file is mapped.
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
  } catch (const nlohmann::json::exception& error) {
    throw CheckpointError(std::string("safetensors: expected names and metadata in UTF-8, got ") +
                          error.what());
  }
}

}  // namespace

std::string encode_safetensors(const TensorMap& tensors, const std::map<std::string, std::string>& metadata) {
  const auto items = items_in_data_order(tensors);
  const std::string header = encode_header(items, metadata);
  if (header.size() > kMaxHeaderBytes)
    throw CheckpointError("safetensors: expected a header of at most 100 MB, got " +
                          std::to_string(header.size()) + " bytes; store fewer tensors in one file");
  uint64_t size = kLengthBytes + header.size();
  for (const auto& item : items) size += item.tensor.nbytes();

  std::string file;
  file.reserve(size);
  for (size_t i = 0; i < kLengthBytes; ++i)
    file += static_cast<char>(static_cast<uint64_t>(header.size()) >> (8 * i));
  file += header;
  for (const auto& item : items)
    file.append(static_cast<const char*>(item.tensor.const_data_ptr()), item.tensor.nbytes());
  return file;
}

void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata) {
  write_file_atomic(path, encode_safetensors(tensors, metadata));
}

TensorMap read_safetensors(const std::filesystem::path& path) {
  return decode_safetensors(read_file(path, UINT64_MAX), path.string());
}

}  // namespace lodestone
