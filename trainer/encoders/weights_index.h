#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lodestone::encoders {

/// Reads which shard holds each tensor of sharded weights: "weight_map" of model.safetensors.index.json. The
/// input is untrusted: a shard must be the plain name of a *.safetensors file beside the index. `name` is
/// that of the index, for messages. Throws DataError.
std::map<std::string, std::string> parse_weights_index(std::string_view text, const std::string& name);

}  // namespace lodestone::encoders
