#pragma once

#include <map>
#include <string>

#include "common/safetensors.h"

namespace lodestone {

/// Named groups of tensors, each of which a checkpoint stores as one file.
///
///     TensorGroups groups;
///     groups["model"]["weight"] = at::ones({2, 3});
///     for (const auto& [group, tensors] : groups) std::cout << group << ": " << tensors.size() << "\n";
class TensorGroups : private std::map<std::string, TensorMap> {
  using Map = std::map<std::string, TensorMap>;

 public:
  using Map::operator[];
  using Map::at;
  using Map::begin;
  using Map::contains;
  using Map::empty;
  using Map::end;
  using Map::erase;
  using Map::find;
  using Map::size;
};

}  // namespace lodestone
