#include "trainer/coordinator/coordinator.h"

#include <utility>

#include "trainer/coordinator/warn.h"

namespace lodestone::coordinator {

namespace {

// Collective, so that no rank writes to the folder if rank 0 cannot lock it.
std::optional<RunLock> take_lock(const RunContext& context, const RunFolder& folder) {
  std::optional<RunLock> lock;
  if (context.is_main_rank()) {
    folder.refuse_foreign();
    lock.emplace(folder);
  }
  context.world.barrier();
  return lock;
}

}  // namespace

Coordinator::Coordinator(const CoordinatorConfig& config, RunContext& context,
                         const std::filesystem::path& folder)
    : config_(config),
      context_(context),
      folder_(folder),
      lock_(take_lock(context, folder_)),
      manager_(config.checkpoint, context, folder_, lock_),
      dump_(context.world, folder_, context.launch.info().generation, warn_to(context.log)),
      watch_(context.launch.control(), dump_, warn_to(context.log)) {}

std::optional<sampler::Cursor> Coordinator::resume(const Resume& resume, RunFacts facts,
                                                   std::map<std::string, std::string> code,
                                                   engine::Trainer& trainer) {
  manager_.set_code(std::move(code));
  return manager_.resume(resume, RunIdentity(std::move(facts)), trainer);
}

void Coordinator::start(RunStart start, engine::Trainer& trainer) {
  start.step = trainer.steps_done();
  start.resumed_at = manager_.resumed_at();
  start.restarts = manager_.generation();
  reporter_ = std::make_unique<Reporter>(config_, context_, folder_, start);
  if (context_.is_main_rank()) manager_.start(std::move(start.config), trainer, *reporter_);
}

void Coordinator::report(const engine::StepMetrics& metrics, const sampler::Batch& batch,
                         const at::Tensor& z_bD) {
  reporter_->step(metrics, batch, z_bD);
}

eval::Evaluation Coordinator::evaluate(engine::Trainer& trainer, sampler::Cursor cursor,
                                       const std::function<eval::Evaluation()>& evaluation) {
  reporter_->end_progress();
  manager_.hold(trainer, cursor);
  eval::Evaluation found = evaluation();
  manager_.release_held();
  const int64_t step = trainer.steps_done();
  reporter_->evaluated(step, found);
  if (context_.is_main_rank()) {
    const auto& metrics = found.model.metrics.entries();
    manager_.evaluated(step, {metrics.begin(), metrics.end()});
  }
  return found;
}

std::optional<std::filesystem::path> Coordinator::roll_back(int64_t from, engine::Trainer& trainer) {
  const auto path = manager_.roll_back(trainer);
  if (!path) return path;
  const int64_t step = trainer.steps_done();
  if (context_.is_main_rank())
    context_.log->warn("rolled back to step {}; the batches since then are not used again", step);
  reporter_->event(step, "rollback", {{"from", from}, {"path", path->string()}});
  return path;
}

void Coordinator::report_non_finite(const engine::NonFinite& found, engine::NonFiniteAction action,
                                    int64_t count) {
  reporter_->non_finite_step(found.step, {{"message", found.sentence()},
                                          {"what", choice_name(found.what, engine::kNonFiniteValues)},
                                          {"tensor", found.tensor},
                                          {"ranks", found.ranks},
                                          {"action", choice_name(action, engine::kNonFiniteActions)},
                                          {"count", count}});
}

bool Coordinator::wait_for_save(int64_t step) {
  reporter_->end_progress();
  return manager_.saved(step);
}

}  // namespace lodestone::coordinator
