#include "trainer/encoders/weight_names.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/error.h"

namespace lodestone::encoders {

namespace {

struct Renamed {
  std::string_view before, now;
};

// Older names: TensorFlow's of a norm, as in google-bert's files, and torchvision's of 2021.
constexpr std::array<Renamed, 4> kOlder{{{".gamma", ".weight"},
                                         {".beta", ".bias"},
                                         {".mlp.linear_1.", ".mlp.0."},
                                         {".mlp.linear_2.", ".mlp.3."}}};

constexpr std::array<std::string_view, 18> kHeads{
    "head",       "heads",      "fc",        "classifier", "cls",        "pooler",
    "pre_logits", "projection", "projector", "predictor",  "prediction", "lm_head",
    "mlm",        "mlm_head",   "nsp",       "qa_outputs", "score",      "pool"};

struct Part {
  std::string_view in_name;
  const char* what;
};

constexpr std::array<Part, 21> kForeign{
    {{".ls1.", "LayerScale"},
     {"layer_scale", "LayerScale"},
     {".gamma_1", "LayerScale"},
     {"reg_token", "register tokens"},
     {"register_tokens", "register tokens"},
     {"storage_tokens", "register tokens"},
     {"dist_token", "a distillation token"},
     {"mask_token", "a token for masked patches"},
     {"relative_position", "relative positions"},
     {"relative_attention", "relative positions"},
     {"rel_pos", "relative positions"},
     {"rope", "rotary positions"},
     {"rotary", "rotary positions"},
     {"q_norm", "norms of queries and keys"},
     {"norm_pre", "a norm before the blocks"},
     {"fc_norm", "a norm behind the pooling"},
     {"fc1_g", "a gated network in each block"},
     {".w12.", "a gated network in each block"},
     {"gate_proj", "a gated network in each block"},
     {".se.", "squeeze-and-excitation"},
     {"lora_", "adapters (LoRA), which must be merged into the weights first"}}};

constexpr std::array<Part, 5> kLacking{{{"pos_embed", "no learned positions"},
                                        {"position_embeddings", "no learned positions"},
                                        {"cls_token", "no class token"},
                                        {"class_token", "no class token"},
                                        {"qkv.bias", "no biases of queries and keys"}}};

bool is_bookkeeping(std::string_view name) {
  return name.ends_with("num_batches_tracked") || name.ends_with("position_ids") ||
         name.ends_with("token_type_ids");
}

// The parameter for a file's name, in its present or its older form.
std::optional<std::string> ours_of(const std::set<std::string>& ours, std::string_view name) {
  if (const auto found = ours.find(std::string(name)); found != ours.end()) return *found;
  for (const Renamed& rule : kOlder) {
    const size_t at = name.rfind(rule.before);
    const bool fits = at != std::string_view::npos &&
                      (rule.before.ends_with('.') || at + rule.before.size() == name.size());
    if (!fits) continue;
    std::string now(name);
    now.replace(at, rule.before.size(), rule.now);
    if (ours.contains(now)) return now;
  }
  return {};
}

// The number of parameters found under each prefix.
std::map<std::string, int64_t> counts_by_prefix(const std::set<std::string>& ours,
                                                const std::vector<std::string>& file) {
  constexpr int kMostParts = 16;  // a name of dots only must not cost more than its length
  std::map<std::string, int64_t> counts;
  for (const std::string& name : file) {
    size_t at = 0;
    for (int part = 0; part < kMostParts; ++part) {
      if (ours_of(ours, std::string_view(name).substr(at))) ++counts[name.substr(0, at)];
      at = name.find('.', at) + 1;
      if (at == 0) break;
    }
  }
  return counts;
}

std::string likeliest_prefix(const std::set<std::string>& ours, const std::vector<std::string>& file) {
  const auto counts = counts_by_prefix(ours, file);
  int64_t most = 0;
  for (const auto& [prefix, count] : counts) most = std::max(most, count);
  std::vector<std::string> best;  // the empty one is first
  for (const auto& [prefix, count] : counts)
    if (count == most) best.push_back(prefix);
  if (best.size() > 1 && !best.front().empty())
    throw ConfigError("encoder.init_from: expected one model in the file, got " + std::to_string(most) +
                      " tensors of this encoder's names behind '" + best[0] + "' and as many behind '" +
                      best[1] + "'; set encoder.init_prefix to the one to start from");
  return best.empty() ? "" : best.front();
}

}  // namespace

WeightNames match_names(const std::set<std::string>& ours, const std::vector<std::string>& file,
                        const std::string& prefix) {
  WeightNames names;
  names.prefix = prefix.empty() ? likeliest_prefix(ours, file) : prefix;
  std::vector<std::string> older;
  for (const std::string& name : file) {
    const bool below = name.starts_with(names.prefix);
    if (is_bookkeeping(name) || (!below && !prefix.empty())) continue;
    const std::string rest = below ? name.substr(names.prefix.size()) : name;
    if (below && ours.contains(rest)) {
      names.theirs[rest] = name;
    } else if (below && ours_of(ours, rest)) {
      older.push_back(name);
    } else {
      names.left_over.push_back(name);
    }
  }
  for (const std::string& name : older) {  // a present name takes precedence over an older one
    const bool taken = names.theirs.emplace(*ours_of(ours, name.substr(names.prefix.size())), name).second;
    if (taken) {
      ++names.older;
    } else {
      names.left_over.push_back(name);
    }
  }
  return names;
}

bool is_of_head(std::string_view name, std::string_view prefix,
                const std::set<std::string, std::less<>>& towers) {
  while (true) {
    const size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    if (std::find(kHeads.begin(), kHeads.end(), part) != kHeads.end()) return true;
    const size_t own = prefix.find('.');
    const bool of_prefix = own != std::string_view::npos && prefix.substr(0, own) == part;
    if (dot == std::string_view::npos || !(of_prefix || towers.contains(part))) return false;
    if (of_prefix) prefix.remove_prefix(own + 1);
    name.remove_prefix(dot + 1);
  }
}

std::vector<std::string> foreign_parts(const std::vector<std::string>& left_over,
                                       const std::vector<std::string>& missing) {
  std::vector<std::string> found;
  std::set<std::string_view> reported;
  const auto collect = [&](const auto& parts, const std::vector<std::string>& names) {
    for (const Part& part : parts)
      for (const std::string& name : names)
        if (name.find(part.in_name) != std::string::npos && reported.insert(part.what).second)
          found.push_back(std::string(part.what) + " (" + name + ")");
  };
  collect(kForeign, left_over);
  collect(kLacking, missing);
  return found;
}

}  // namespace lodestone::encoders
