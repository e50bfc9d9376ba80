#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::encoders {

/// The mapping between our parameter names and the tensor names of a weights file.
struct WeightNames {
  std::string prefix;                         ///< removed from the file's names
  std::map<std::string, std::string> theirs;  ///< our parameter's name to the file's name
  int64_t older = 0;                   ///< number of tensors with an older name in the file: LayerNorm.gamma
  std::vector<std::string> left_over;  ///< names of the file that match no parameter
};

/// Finds the tensors of the file for the parameters `ours`. Older names of the same tensors match too
/// (LayerNorm.gamma and .beta, torchvision's mlp.linear_1). What other frameworks save beside weights
/// (counters, position numbers) is in neither list. With `prefix`, only names that begin with it count; if it
/// is empty, the prefix is the one under which most parameters are found ("bert.", "module.",
/// "model.backbone." …).
/// Throws    ConfigError naming the prefixes if several find equally many and none of them is empty: a model
///           beside its copy, say
WeightNames match_names(const std::set<std::string>& ours, const std::vector<std::string>& file,
                        const std::string& prefix);

/// Is the tensor of this name part of a head, which a model was trained with after the features? Decided by
/// the first component of the name after `prefix` and the name of one of the encoder's towers.
bool is_of_head(std::string_view name, std::string_view prefix,
                const std::set<std::string, std::less<>>& towers = {});

/// Names features of the source network that these left-over or missing tensors reveal: "LayerScale
/// (blocks.0.ls1.gamma)"; empty if none is recognised.
std::vector<std::string> foreign_parts(const std::vector<std::string>& left_over,
                                       const std::vector<std::string>& missing);

}  // namespace lodestone::encoders
