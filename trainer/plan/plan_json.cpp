#include "trainer/plan/plan_json.h"

#include <nlohmann/json.hpp>

namespace lodestone::plan {

namespace {

using Json = nlohmann::json;

Json to_json(const Prediction& p) {
  return {{"ranks", p.ranks},
          {"nodes", p.nodes},
          {"global_batch", p.global_batch},
          {"share", p.share},
          {"memory_bytes",
           {{"kept", p.kept_bytes},
            {"activations", p.activation_bytes},
            {"loss", p.loss_bytes},
            {"base", p.base_bytes},
            {"all", p.memory_bytes()}}},
          {"sent_bytes", p.sent_bytes},
          {"seconds",
           {{"encoder", p.compute},
            {"loss", p.loss},
            {"exchange", p.exchange},
            {"gradient_reduction", p.reduce},
            {"gradient_reduction_not_hidden", p.exposed},
            {"update", p.update},
            {"step", p.step()}}},
          {"samples_per_second", p.samples_per_second()}};
}

Json to_json(const std::vector<Prediction>& rows) {
  Json all = Json::array();
  for (const Prediction& row : rows) all.push_back(to_json(row));
  return all;
}

Json verbs_of(const StepCost& cost, const Prediction& p) {
  Json verbs;
  for (const auto& verb : cost.verbs)
    verbs[verb.name] = {{"sent_bytes", verb.sent_bytes(p.ranks, p.share, p.global_batch)},
                        {"calls", verb.calls}};
  return verbs;
}

}  // namespace

Json to_json(const StepCost& cost, const Machine& machine, const Prediction& chosen, int64_t largest_batch,
             const std::vector<Prediction>& fixed, const std::vector<Prediction>& growing) {
  return {{"machine", machine.name},
          {"parameters", cost.parameters},
          {"width", cost.width},
          {"forward_flops_per_row", cost.flops_per_row},
          {"prediction", to_json(chosen)},
          {"verbs", verbs_of(cost, chosen)},
          {"largest_global_batch", largest_batch},
          {"pays_up_to_ranks", last_that_pays(fixed)},
          {"tables", {{"fixed", to_json(fixed)}, {"growing", to_json(growing)}}}};
}

}  // namespace lodestone::plan
