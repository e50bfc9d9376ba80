#include "trainer/encoders/exported/program_tensors.h"

#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "trainer/encoders/exported/schema.h"

namespace lodestone::encoders::exported {

namespace {

using nlohmann::json;

std::vector<int64_t> numbers(const json& list) {
  std::vector<int64_t> all;
  for (const json& entry : list) all.push_back(entry.at("as_int").get<int64_t>());
  return all;
}

[[noreturn]] void refuse(const ExportFile& file, const std::string& name, const std::string& found) {
  throw DataError("exported: expected in " + file.file() + " tensors that lie within their bytes, got " +
                  name + " " + found + "; save the program again");
}

// The number of elements from the first to the last that the strides reach; -1 if that is no number of
// elements.
int64_t reach(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides, int64_t most) {
  if (sizes.size() != strides.size()) return -1;
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 || strides[i] < 0) return -1;
    if (sizes[i] == 0) return 0;
    if (sizes[i] > 1 && strides[i] > most / (sizes[i] - 1)) return -1;
    last += (sizes[i] - 1) * strides[i];
    if (last > most) return -1;
  }
  return last + 1;
}

// Are there at most `most` elements? Strides of 0 repeat some.
bool has_at_most(const std::vector<int64_t>& sizes, int64_t most) {
  int64_t elements = 1;
  for (const int64_t size : sizes) {
    if (size > 0 && elements > most / size) return false;
    elements *= size;
  }
  return elements <= most;
}

at::Tensor stored(const ExportFile& file, const std::string& name, const json& entry,
                  const std::string& folder) {
  if (entry.at("use_pickle").get<bool>())
    refuse(file, name,
           "which is a pickle: reading it could run code (a tensor subclass, as of quantised weights)");
  const json& meta = entry.at("tensor_meta");
  const at::ScalarType type = element_type(meta.at("dtype"));
  const auto sizes = numbers(meta.at("sizes")), strides = numbers(meta.at("strides"));
  const int64_t offset = meta.at("storage_offset").at("as_int").get<int64_t>();
  const at::Tensor& bytes = file.bytes(folder + entry.at("path_name").get<std::string>());
  const auto width = static_cast<int64_t>(c10::elementSize(type));
  if (bytes.numel() % width != 0) refuse(file, name, "whose bytes are no whole number of elements");
  const int64_t most = bytes.numel() / width, extent = reach(sizes, strides, most);
  if (extent < 0 || offset < 0 || offset > most - extent || !has_at_most(sizes, most))
    refuse(file, name, "of " + std::to_string(bytes.numel()) + " bytes, whose sizes reach beyond them");
  if (extent == 0) return at::empty(sizes, type);
  const at::Tensor x = bytes.view(type).as_strided(sizes, strides, offset).contiguous();
  return type == at::kHalf || type == at::kBFloat16 ? x.to(at::kFloat) : x;
}

// What makes two names one tensor.
std::string identity(const json& entry, const std::string& folder) {
  const json& meta = entry.at("tensor_meta");
  return folder + entry.at("path_name").get<std::string>() + json_text(meta.at("sizes")) +
         json_text(meta.at("strides")) + json_text(meta.at("storage_offset"));
}

}  // namespace

std::map<std::string, StoredTensor> read_tensors(const ExportFile& file, const std::string& program) {
  std::map<std::string, StoredTensor> all;
  std::map<std::string, at::Tensor> shared;
  int64_t left = 2 * file.size();
  for (const std::string kind : {"weights", "constants"}) {
    const std::string folder = "data/" + kind + "/", config = folder + program + "_" + kind + "_config.json";
    if (!file.has(config)) continue;
    const auto parsed = read_json(file.text(config));
    if (!parsed || !parsed->contains("config")) refuse(file, config, "which is no JSON that lists them");
    for (const auto& [name, entry] : parsed->at("config").items()) {
      at::Tensor& tensor = shared[identity(entry, folder)];
      if (!tensor.defined()) {
        tensor = stored(file, name, entry, folder);
        // Half precision takes twice the file's bytes; views of one memory could take any.
        left -= static_cast<int64_t>(tensor.nbytes());
        if (left < 0) refuse(file, name, "and others, which overlap");
      }
      const bool learned = entry.value("is_param", false) && c10::isFloatingType(tensor.scalar_type()) &&
                           entry.at("tensor_meta").at("requires_grad").get<bool>();
      all.insert_or_assign(name, StoredTensor{tensor, learned});
    }
  }
  return all;
}

}  // namespace lodestone::encoders::exported
