#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone {

/// Our names of a file's tensors.
struct WeightNames {
  std::string prefix;                         ///< what was taken off the file's names
  std::map<std::string, std::string> theirs;  ///< our parameter's name to the file's
  int64_t older = 0;                          ///< how many have an older name in the file: LayerNorm.gamma
  std::vector<std::string> left_over;         ///< the file's names that no parameter has
};

/// Finds which of the file's tensors `ours` are. Older names of the same tensors count (LayerNorm.gamma and .beta, torchvision's
/// mlp.linear_1). What other frameworks save beside weights (counters, position numbers) is in neither list.
/// prefix    the file's names begin with it, those that don't are passed over; empty: the one under which most parameters are
///           found ("bert.", "module.", "model.backbone." …)
/// Throws    ConfigError naming them if several prefixes do equally well and none is empty: a model beside its copy, say
WeightNames match_names(const std::set<std::string>& ours, const std::vector<std::string>& file,
                        const std::string& prefix);

/// Is the tensor of this name a part of a head: of what a model was trained with behind the features? By the first part of the
/// name that says something: `prefix`, "image." and "text." don't.
bool is_of_head(std::string_view name, std::string_view prefix);

/// What these tensors, left over or missing, say about the network that the weights are of: "LayerScale (blocks.0.ls1.gamma)"; empty if
/// nothing is known.
std::vector<std::string> foreign_parts(const std::vector<std::string>& left_over,
                                       const std::vector<std::string>& missing);

}  // namespace lodestone
