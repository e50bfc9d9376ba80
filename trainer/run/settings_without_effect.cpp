#include "trainer/run/settings_without_effect.h"

#include <algorithm>

namespace lodestone::run {

namespace {

void add(std::vector<StartLine>& lines, bool holds, const std::string& text) {
  if (holds) lines.push_back({text, true});
}

std::string steps_of(int64_t step, const engine::Schedule& schedule) {
  return std::to_string(step) + " of " + std::to_string(schedule.steps) + " steps";
}

void add_late(std::vector<StartLine>& lines, const engine::TrainerConfig& training) {
  const engine::Schedule& schedule = training.schedule;
  add(lines, schedule.warmup_steps >= schedule.steps,
      "schedule.warmup_steps: " + steps_of(schedule.warmup_steps, schedule) +
          ", so that the learning rate never reaches its peak; lower it");
  const auto late =
      std::ranges::count_if(schedule.milestones, [&](int64_t m) { return m >= schedule.steps; });
  add(lines, schedule.shape == engine::ScheduleShape::kStep && late > 0,
      "schedule.milestones: " + std::to_string(late) + " lie behind the last of " +
          std::to_string(schedule.steps) + " steps; lower or remove them");
  add(lines, training.average.on() && training.average.start_step >= schedule.steps,
      "ema.start_step: " + steps_of(training.average.start_step, schedule) +
          ", so that there is never an average; lower it");
  const engine::MemoryConfig& memory = training.loss_head.memory;
  add(lines, memory.on() && memory.start_step >= schedule.steps,
      "memory.start_step: " + steps_of(memory.start_step, schedule) +
          ", so that the memory is never used; lower it");
}

// Settings about how records are stored, for data that is stored otherwise.
void add_of_files(std::vector<StartLine>& lines, const std::string& key,
                  const sampler::ImageSourceConfig& source, const sampler::TextLayout& layout) {
  const auto is_of = [&](const char* ending) { return source.path.find(ending) != std::string::npos; };
  if (source.empty()) return;
  add(lines, layout.multiline && !is_of(".csv"),
      key + ".multiline: only commas (*.csv) have texts of several lines, got " + source.path +
          "; leave it out");
  add(lines, layout.header != AutoYesNo::kAuto && (is_of(".json") || is_of(".ndjson") || is_of(".txt")),
      key + ".header: only tables (*.tsv, *.csv) have one, got " + source.path + "; leave it out");
}

}  // namespace

std::vector<StartLine> settings_without_effect(const RunConfig& config, int world) {
  std::vector<StartLine> lines;
  add_late(lines, config.training);
  add(lines, config.training.optimizer.learning_rate == 0,
      "optimizer.learning_rate: 0, so that nothing is learned; raise it");
  const int64_t rows = (config.global_batch + world - 1) / world;
  add(lines, config.training.micro_batch >= rows,
      "micro_batch: " + std::to_string(config.training.micro_batch) + " rows, while a rank has " +
          std::to_string(rows) +
          " in all, so that nothing is gained by encoding them twice; lower it, or leave it out");
  add(lines,
      config.checkpoint.retention.keep_best.count > 0 &&
          (config.evaluate.data.empty() || config.evaluate.every == 0),
      "checkpoint.keep_best: no model is evaluated before the last step, so that none is the best; set "
      "evaluate.data.path and evaluate.every, or leave it out");
  if (!config.data.kind->reads_texts()) return lines;
  add_of_files(lines, "data.text", config.data.train, config.data.text.layout);
  add_of_files(lines, "evaluate.text", config.evaluate.data, config.evaluate.text);
  return lines;
}

}  // namespace lodestone::run
