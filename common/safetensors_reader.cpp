#include <algorithm>
#include <cstring>
#include <limits>

#include <ATen/ops/empty.h>

#include "common/error.h"
#include "common/file_kind.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/safetensors.h"
#include "common/safetensors_dtype.h"
#include "common/safetensors_foreign.h"

namespace lodestone {

namespace {

using nlohmann::json;

// LibTorch's own loops do not allow more dimensions either.
constexpr size_t kMaxDimensions = 64;

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& got) {
  throw CheckpointError(name + ": expected " + expected + ", got " + got +
                        "; the file is damaged or not safetensors: use another copy");
}

uint64_t header_bytes(std::string_view file, const std::string& name) {
  if (const FileKind* kind = file_kind(file))
    throw CheckpointError(name + ": expected a safetensors file, got " + kind->name +
                          (*kind->remedy != 0 ? kind->remedy : "; name a *.safetensors file"));
  if (file.size() < kLengthBytes) refuse(name, "at least 8 bytes", std::to_string(file.size()));
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i)
    length |= uint64_t{static_cast<unsigned char>(file[i])} << (8 * i);
  if (length > kMaxHeaderBytes) refuse(name, "a header of at most 100 MB", std::to_string(length) + " bytes");
  if (length > file.size() - kLengthBytes)
    refuse(name, "a header of " + std::to_string(length) + " bytes",
           std::to_string(file.size() - kLengthBytes) + " bytes of file after its length");
  if (length == 0 || file[kLengthBytes] != '{')
    refuse(name, "a header that begins with '{'", "something else");
  return length;
}

const json& member(const json& entry, const char* key, const std::string& where) {
  const auto found = entry.find(key);
  if (found == entry.end()) refuse(where, std::string("a member '") + key + "'", "none");
  return *found;
}

// Bytes of a tensor. A dimension of zero must not hide an overflow of the others, since strides are products
// of them too.
uint64_t bytes_of(const TensorSlice& slice, uint64_t element_bytes, const std::string& where) {
  uint64_t product = element_bytes;
  bool empty = false;
  for (const int64_t dimension : slice.shape) {
    empty |= dimension == 0;
    const auto factor = static_cast<uint64_t>(std::max<int64_t>(dimension, 1));
    if (product > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / factor)
      refuse(where, "a shape of less than 2^63 bytes", "more");
    product *= factor;
  }
  return empty ? 0 : product;
}

// For an element type unknown to this library only the position is checked: its dtype is Undefined.
TensorSlice read_slice(const json& entry, const std::string& where, uint64_t data_begin,
                       uint64_t data_bytes) {
  if (!entry.is_object() || entry.size() != 3)
    refuse(where, "dtype, shape and data_offsets", "other members");
  const json& dtype_name = member(entry, "dtype", where);
  const json& shape = member(entry, "shape", where);
  const json& offsets = member(entry, "data_offsets", where);

  const SafetensorsDtype* dtype =
      dtype_name.is_string() ? find_dtype(dtype_name.get<std::string>()) : nullptr;
  if (!dtype_name.is_string()) refuse(where, "dtype one of " + dtype_names(), json_text(dtype_name));
  TensorSlice slice{dtype ? dtype->type : at::ScalarType::Undefined, {}, 0, 0};
  if (!shape.is_array() || shape.size() > kMaxDimensions)
    refuse(where, "shape an array of at most 64 sizes", "something else");
  for (const json& size : shape) {
    if (!size.is_number_unsigned() ||
        size.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      refuse(where, "sizes from 0 to 2^63 - 1", json_text(size));
    slice.shape.push_back(size.get<int64_t>());
  }
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    refuse(where, "data_offsets [begin, end]", json_text(offsets));
  const auto begin = offsets[0].get<uint64_t>();
  const auto end = offsets[1].get<uint64_t>();
  if (begin > end || end > data_bytes)
    refuse(where, "data_offsets within " + std::to_string(data_bytes) + " bytes of data", json_text(offsets));
  const uint64_t bytes = bytes_of(slice, dtype ? dtype->bytes : 1, where);
  if (dtype && end - begin != bytes)
    refuse(where, std::to_string(bytes) + " bytes by shape and dtype", std::to_string(end - begin));
  slice.begin = data_begin + begin;
  slice.end = data_begin + end;
  return slice;
}

// Every byte of data belongs to exactly one tensor: otherwise a file could contain a hidden file, or tensors
// could share memory.
void check_contiguous(const SafetensorsHeader& header, uint64_t data_begin, uint64_t file_bytes,
                      const std::string& name) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& [tensor, slice] : header.tensors) ranges.emplace_back(slice.begin, slice.end);
  std::sort(ranges.begin(), ranges.end());
  uint64_t reached = data_begin;
  for (const auto& [begin, end] : ranges) {
    if (begin != reached)
      refuse(name, "tensors without holes or overlaps",
             "one that begins at byte " + std::to_string(begin) + " where byte " + std::to_string(reached) +
                 " is next");
    reached = end;
  }
  if (reached != file_bytes)
    refuse(name, "a file of " + std::to_string(reached) + " bytes", std::to_string(file_bytes));
}

std::map<std::string, std::string> read_metadata(const json& entry, const std::string& name) {
  std::map<std::string, std::string> metadata;
  if (!entry.is_object()) refuse(name, "__metadata__ a mapping of texts", "something else");
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string())
      refuse(name, "__metadata__ a mapping of texts", "something else for '" + key + "'");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

at::Tensor decode_tensor(std::string_view file, const TensorSlice& slice, const std::string& where) {
  const std::string_view bytes = file.substr(slice.begin, slice.end - slice.begin);
  // Any other value in a bool is undefined behaviour in its readers.
  if (slice.dtype == at::kBool)
    for (const char byte : bytes)
      if (byte != 0 && byte != 1)
        refuse(where, "BOOL bytes 0 or 1", std::to_string(static_cast<unsigned char>(byte)));
  at::Tensor tensor = at::empty(slice.shape, at::TensorOptions().dtype(slice.dtype).device(at::kCPU));
  if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

TensorMap decode_tensors(std::string_view file, const SafetensorsHeader& header, const std::string& name) {
  TensorMap tensors;
  for (const auto& [key, slice] : header.tensors)
    tensors[key] = decode_tensor(file, slice, name + ", tensor '" + key + "'");
  return tensors;
}

struct ParsedHeader {
  SafetensorsHeader header;
  std::map<std::string, std::string> unreadable;  ///< names of tensors, and their unknown types
};

ParsedHeader parse_header(std::string_view file, const std::string& name) {
  const uint64_t length = header_bytes(file, name);
  const uint64_t data_begin = kLengthBytes + length;
  const json parsed = parse_json(file.substr(kLengthBytes, length), name + " header",
                                 {.depth = 3, .array_items = kMaxDimensions});
  ParsedHeader result;
  SafetensorsHeader all;
  for (const auto& [key, entry] : parsed.items()) {
    if (key == kMetadataKey) {
      result.header.metadata = read_metadata(entry, name);
      continue;
    }
    const TensorSlice slice =
        read_slice(entry, name + ", tensor '" + key + "'", data_begin, file.size() - data_begin);
    all.tensors[key] = slice;
    if (slice.dtype == at::ScalarType::Undefined) {
      result.unreadable[key] = entry["dtype"].get<std::string>();
    } else {
      result.header.tensors[key] = slice;
    }
  }
  check_contiguous(all, data_begin, file.size(), name);
  return result;
}

}  // namespace

SafetensorsHeader read_safetensors_header(std::string_view file, const std::string& name) {
  const ParsedHeader parsed = parse_header(file, name);
  if (!parsed.unreadable.empty()) {
    const auto& [tensor, dtype] = *parsed.unreadable.begin();
    refuse(name + ", tensor '" + tensor + "'", "dtype one of " + dtype_names(), '"' + dtype + '"');
  }
  return parsed.header;
}

TensorMap decode_safetensors(std::string_view file, const std::string& name) {
  return decode_tensors(file, read_safetensors_header(file, name), name);
}

ForeignTensors decode_foreign_safetensors(std::string_view file, const std::string& name) {
  ParsedHeader parsed = parse_header(file, name);
  return {decode_tensors(file, parsed.header, name), std::move(parsed.unreadable)};
}

}  // namespace lodestone
