#include "trainer/encoders/weights_files.h"

#include <set>

#include "common/file_kind.h"
#include "common/files.h"
#include "common/paths.h"
#include "common/printable.h"
#include "trainer/encoders/weights_index.h"

namespace lodestone::encoders {

namespace fs = std::filesystem;

namespace {

constexpr const char *kSingle = "model.safetensors", *kIndex = "model.safetensors.index.json";
constexpr uint64_t kMaxIndexBytes = uint64_t{64} << 20;

constexpr const char* kConvert =
    "; reading it could run any code, so convert it once, where you trust it: python3 -c 'import torch, "
    "safetensors.torch as s; w = torch.load(\"IN\", weights_only=True, map_location=\"cpu\"); "
    "s.save_file({k: v.clone().contiguous() for k, v in w.get(\"state_dict\", w).items()}, "
    "\"model.safetensors\")'";

void check_kind(std::string_view bytes, const std::string& name) {
  const FileKind* kind = file_kind(bytes);
  if (kind == nullptr) return;
  const char* other = *kind->remedy != 0 ? kind->remedy : "; save the model as safetensors";
  throw DataError("encoder.init_from: expected a safetensors file, got " + std::string(kind->name) + ": " +
                  name + (kind->is_pickle ? kConvert : other));
}

ForeignTensors read_one(const fs::path& file) {
  const std::string bytes = read_file(file, UINT64_MAX), name = file.string();
  check_kind(bytes, name);
  try {
    return decode_foreign_safetensors(bytes, name);
  } catch (const CheckpointError&) {
    std::throw_with_nested(DataError("encoder.init_from: expected a safetensors file, got " + name +
                                     ", which can't be read as one"));
  }
}

ForeignTensors read_shards(const fs::path& index) {
  const auto shard_of = parse_weights_index(read_file(index, kMaxIndexBytes), index.string());
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : shard_of) shards.insert(shard);
  ForeignTensors all;
  for (const auto& shard : shards) {
    const fs::path file = index.parent_path() / shard;
    if (!is_file(file))
      throw DataError(index.string() + ": expected the shard " + file.string() + ", got none of " +
                      std::to_string(shards.size()) + " shards under that name; copy all of them");
    ForeignTensors part = read_one(file);
    for (const auto& [tensor, where] : shard_of)
      if (where == shard && !part.tensors.contains(tensor) && !part.unreadable.contains(tensor))
        throw DataError(index.string() + ": expected tensor '" + printable(tensor) + "' in " + file.string() +
                        ", which lacks it; index and shards are not of one model, or a shard is incomplete");
    // If a tensor is in two shards, the index says which one counts.
    const auto elsewhere = [&](const auto& item) {
      const auto named = shard_of.find(item.first);
      return named != shard_of.end() && named->second != shard;
    };
    std::erase_if(part.tensors, elsewhere);
    std::erase_if(part.unreadable, elsewhere);
    all.tensors.merge(part.tensors);
    all.unreadable.merge(part.unreadable);
  }
  return all;
}

}  // namespace

fs::path weights_file(const fs::path& init_from) {
  if (!is_folder(init_from)) return init_from;
  for (const char* name : {kSingle, kIndex})
    if (is_file(init_from / name)) return init_from / name;
  if (is_folder(init_from / "checkpoints"))
    throw DataError(
        "encoder.init_from: expected weights, got the run " + init_from.string() + "; name " + kSingle +
        " of one of its checkpoints: " + (init_from / "checkpoints" / "step-XXXXXXXX" / kSingle).string());
  const bool pickles =
      is_file(init_from / "pytorch_model.bin") || is_file(init_from / "pytorch_model.bin.index.json");
  throw DataError("encoder.init_from: expected " + std::string(kSingle) + " or " + kIndex +
                  " in the folder " + init_from.string() + ", got " +
                  (pickles ? "pytorch_model.bin" + std::string(kConvert) : "neither; name the file"));
}

ForeignTensors read_weights(const fs::path& file) {
  return file.extension() == ".json" ? read_shards(file) : read_one(file);
}

}  // namespace lodestone::encoders
