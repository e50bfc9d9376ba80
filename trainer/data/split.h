#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::data {

/// The three splits of a data set. Each script, typeface family and look-alike group belongs to one split
/// only.
enum class Split { kTrain, kValidation, kTest };

inline constexpr Split kSplits[] = {Split::kTrain, Split::kValidation, Split::kTest};

/// "train", "validation" or "test": the first word of the shards' names.
const char* name_of(Split split);

/// The split of the letters of a script (Unicode name in lower case, such as "canadian_aboriginal"); unset
/// for a script that the tables do not name.
std::optional<Split> split_of_script(std::string_view script);

/// The split whose images a typeface family draws, by the longest row of the tables that begins its name;
/// unset for a family that the tables do not name, so that other fonts on the host never change the data.
/// Families related by design (Noto Sans and Noto Serif; Liberation Sans and Arimo) are in one split.
std::optional<Split> split_of_family(std::string_view family);

/// The rows of the tables that begin none of the families: typefaces that this host lacks.
std::vector<std::string> absent_families(const std::set<std::string>& families);

}  // namespace lodestone::data
