#include "trainer/coordinator/checkpoints/retention.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "common/files.h"
#include "common/keys_without_effect.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/checkpoints/manifest.h"

namespace lodestone::coordinator {

namespace fs = std::filesystem;

namespace {

// The metric, negated if smaller is better. nullopt if there was no evaluation at that
// step, or the manifest is damaged.
std::optional<double> worth(const fs::path& path, const KeepBest& best) {
  try {
    const Manifest manifest = parse_manifest(read_file(path / Manifest::kFileName), Manifest::kFileName);
    const auto found = manifest.metrics.find(best.metric);
    if (found == manifest.metrics.end()) return {};
    return best.mode == Best::kMax ? found->second : -found->second;
  } catch (const Error&) {
    return {};
  }
}

std::set<fs::path> best_of(const std::vector<fs::path>& newest_first, const KeepBest& best) {
  std::vector<std::pair<double, fs::path>> evaluated;
  for (const auto& path : newest_first)
    if (const auto value = worth(path, best)) evaluated.emplace_back(*value, path);
  std::stable_sort(evaluated.begin(), evaluated.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::set<fs::path> chosen;
  for (size_t i = 0; i < evaluated.size() && i < static_cast<size_t>(best.count); ++i)
    chosen.insert(evaluated[i].second);
  return chosen;
}

}  // namespace

void KeepBest::visit(Fields& f) {
  f.field({.name = "count",
           .doc = "number of best checkpoints that are kept whatever their age; 0: none",
           .unit = "checkpoints",
           .min = 0.0},
          &count);
  if (count == 0)
    without_effect(f, {"metric", "mode"},
                   "while no best checkpoint is kept; set keep_best.count, or leave it out");
  f.field(
      {.name = "metric", .doc = "metric of the evaluation at the checkpoint's step that ranks checkpoints"},
      &metric);
  f.choice({.name = "mode", .doc = "whether the largest or the smallest value is the best"}, &mode,
           {{"max", Best::kMax}, {"min", Best::kMin}});
}

void Retention::visit(Fields& f) {
  f.field({.name = "keep_last",
           .doc = "number of newest checkpoints that are kept; 0: all",
           .unit = "checkpoints",
           .min = 0.0},
          &keep_last);
  if (keep_last == 0)
    without_effect(f, {"keep_every", "keep_best"},
                   "with checkpoint.keep_last: 0, which keeps all; leave it out, or set keep_last");
  f.field({.name = "keep_every",
           .doc = "checkpoints of steps that are multiples of this number are kept forever; 0: none",
           .unit = "steps",
           .min = 0.0},
          &keep_every);
  f.nested({.name = "keep_best", .doc = "checkpoints that are kept because the model was best there"},
           keep_best);
}

std::vector<fs::path> Retention::superfluous(const fs::path& root, const fs::path& saved) const {
  if (keep_last <= 0) return {};
  // A checkpoint of a later step is damaged or belongs to an abandoned run: it neither
  // counts as kept nor is deleted.
  auto all = list_checkpoints(root);
  std::erase_if(all, [newest = step_of(saved.filename().string())](const fs::path& path) {
    return step_of(path.filename().string()) > newest;
  });
  const auto best = keep_best.count > 0 ? best_of(all, keep_best) : std::set<fs::path>();
  std::vector<fs::path> superfluous;
  int64_t kept = 0;
  for (const auto& path : all) {
    const bool counted = keep_every > 0 && step_of(path.filename().string()) % keep_every == 0;
    if (++kept <= keep_last || path.filename() == saved.filename() || counted || best.contains(path))
      continue;
    superfluous.push_back(path);
  }
  return superfluous;
}

}  // namespace lodestone::coordinator
