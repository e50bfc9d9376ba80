#include "common/safetensors.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/json_text.h"
#include "common/printable.h"
#include "common/safetensors_dtype.h"
#include "common/safetensors_plan.h"
#include "common/utf8.h"

namespace lodestone {

namespace {

using Place = SafetensorsPlan::Place;

const SafetensorsDtype& dtype_of(const std::string& name, const at::Tensor& tensor) {
  if (!tensor.defined())
    throw CheckpointError("safetensors: tensor '" + name + "': expected a value, got none");
  const SafetensorsDtype* dtype = find_dtype(tensor.scalar_type());
  if (!dtype)
    throw CheckpointError("safetensors: tensor '" + name + "': expected a type that can be stored (" +
                          dtype_names() + "), got " + c10::toString(tensor.scalar_type()) +
                          "; convert it first");
  if (name == kMetadataKey)
    throw CheckpointError("safetensors: the name '" + name + "' is reserved by the format; choose another");
  return *dtype;
}

std::vector<Place> places_in_data_order(const TensorMap& tensors) {
  std::vector<Place> places;
  for (const auto& [name, tensor] : tensors) {
    // A replaced byte could turn one tensor's name into another's. In metadata it does no harm: that is for
    // people.
    if (!is_utf8(name))
      throw CheckpointError("safetensors: expected names of tensors in UTF-8, got '" + printable(name) + "'");
    dtype_of(name, tensor);
    places.push_back({name, tensor.detach(), 0, tensor.nbytes()});
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.tensor.element_size() > b.tensor.element_size();
  });
  return places;
}

std::string header_text(const std::vector<Place>& places,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  uint64_t offset = 0;
  for (const auto& place : places) {
    const uint64_t end = offset + place.bytes;
    header[place.name] = {{"dtype", dtype_of(place.name, place.tensor).name},
                          {"shape", place.tensor.sizes().vec()},
                          {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = json_text(header);
  // If the data begins at a multiple of eight, it is aligned for every type when the file is mapped.
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

SafetensorsPlan plan_safetensors(const TensorMap& tensors,
                                 const std::map<std::string, std::string>& metadata) {
  SafetensorsPlan plan{{}, places_in_data_order(tensors), 0};
  const std::string header = header_text(plan.places, metadata);
  if (header.size() > kMaxHeaderBytes)
    throw CheckpointError("safetensors: expected a header of at most 100 MB, got " +
                          std::to_string(header.size()) + " bytes; store fewer tensors in one file");
  for (size_t i = 0; i < kLengthBytes; ++i)
    plan.head += static_cast<char>(static_cast<uint64_t>(header.size()) >> (8 * i));
  plan.head += header;
  plan.bytes = plan.head.size();
  for (auto& place : plan.places) {
    place.offset = plan.bytes;
    plan.bytes += place.bytes;
  }
  return plan;
}

std::string encode_safetensors(const TensorMap& tensors, const std::map<std::string, std::string>& metadata) {
  const SafetensorsPlan plan = plan_safetensors(tensors, metadata);
  std::string file;
  file.reserve(plan.bytes);
  file += plan.head;
  for (const auto& place : plan.places) {
    const at::Tensor tensor = place.tensor.cpu().contiguous();
    file.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  }
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
