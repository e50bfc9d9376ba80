#include "trainer/encoders/weights_index.h"

#include "common/error.h"
#include "common/json_reader.h"
#include "common/printable.h"

namespace lodestone::encoders {

namespace {

constexpr std::string_view kShardEnding = ".safetensors";

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& got) {
  throw DataError(name + ": expected " + expected + ", got " + got +
                  "; use the model.safetensors.index.json that came with the shards");
}

// The file is opened beside the index, so the name must not contain a path.
bool is_plain(const std::string& shard) {
  return shard.size() > kShardEnding.size() && shard.ends_with(kShardEnding) &&
         shard.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

nlohmann::json parsed(std::string_view text, const std::string& name) {
  try {
    return parse_json(text, name);
  } catch (const CheckpointError&) {
    std::throw_with_nested(DataError(name + ": expected an index of weights in JSON"));
  }
}

}  // namespace

std::map<std::string, std::string> parse_weights_index(std::string_view text, const std::string& name) {
  const nlohmann::json index = parsed(text, name);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (map == index.end() || !map->is_object() || map->empty())
    refuse(name, "a mapping weight_map of tensors to files", "none");
  std::map<std::string, std::string> shard_of;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string() || !is_plain(shard.get_ref<const std::string&>()))
      refuse(name, "the name of a *.safetensors file beside it for '" + printable(tensor) + "'",
             printable(shard.is_string() ? shard.get<std::string>() : std::string(shard.type_name())));
    shard_of[tensor] = shard.get<std::string>();
  }
  return shard_of;
}

}  // namespace lodestone::encoders
