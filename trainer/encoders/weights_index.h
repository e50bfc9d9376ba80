#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lodestone {

/// Which shard each tensor of sharded weights lies in: what model.safetensors.index.json says under "weight_map". Untrusted input:
/// a shard is a plain name of a *.safetensors file beside the index. `name` is the index's for messages. Throws DataError.
std::map<std::string, std::string> parse_weights_index(std::string_view text, const std::string& name);

}  // namespace lodestone
