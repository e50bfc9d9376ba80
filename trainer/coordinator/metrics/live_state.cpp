#include "trainer/coordinator/metrics/live_state.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/json_text.h"
#include "trainer/eval/metric_table.h"

namespace lodestone::coordinator {

namespace {

using nlohmann::json;

constexpr size_t kCheckpoints = 12, kNotices = 20, kEvaluations = 600;
constexpr std::chrono::seconds kAskedLately{10}, kStale{3};

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// JSON has no NaN.
json number(std::optional<double> value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

void keep_last(std::deque<json>& entries, json entry, size_t count) {
  entries.push_back(std::move(entry));
  if (entries.size() > count) entries.pop_front();
}

// Text that is not UTF-8 must not make the page fail.
std::string dumped(const json& value) {
  return json_text(value);
}

json to_json(const LiveSample& sample) {
  return {{"label", sample.label}, {"text", sample.text}, {"picture", sample.image}};
}

// The metrics whose values the entries of `evaluations` may have.
json followed_rows() {
  json rows = json::array();
  for (const eval::Metric& metric : eval::followed_metrics())
    rows.push_back(
        {{"name", metric.name}, {"title", metric.title}, {"rate", metric.kind == eval::Metric::Kind::kRate}});
  return rows;
}

std::map<std::string, std::optional<double>> curve_values(const engine::StepMetrics& metrics,
                                                          double step_seconds) {
  std::map<std::string, std::optional<double>> values{{"loss", metrics.loss},
                                                      {"learning_rate", metrics.learning_rate},
                                                      {"gradient_norm", metrics.gradient_norm}};
  if (step_seconds > 0) values["samples_per_second"] = static_cast<double>(metrics.samples) / step_seconds;
  for (const auto& field : engine::kHealthFields) values[field.name] = metrics.health.*field.member;
  return values;
}

}  // namespace

LiveState::LiveState(const RunInfo& run, int64_t first_step, int64_t total_steps,
                     std::vector<std::pair<std::string, std::string>> facts, std::string config)
    : run_(run),
      first_step_(first_step),
      total_steps_(total_steps),
      step_(first_step),
      facts_(std::move(facts)),
      config_(std::move(config)),
      began_(unix_seconds()) {}

void LiveState::step(const engine::StepMetrics& metrics) {
  const std::scoped_lock lock(mutex_);
  const bool first = step_ == first_step_;
  step_ = metrics.step;
  last_ = metrics;
  stepped_ = Clock::now();
  const auto blend = [first](double& smooth, double value) {
    smooth = first ? value : 0.9 * smooth + 0.1 * value;
  };
  for (const auto& phase : engine::kPhaseFields)
    blend(smooth_.phases.*phase.member, metrics.phases.*phase.member);
  blend(smooth_.step_seconds, metrics.step_seconds);
  if ((metrics.step - first_step_ - 1) % spacing_ != 0) return;
  curve_steps_.push_back(metrics.step);
  for (const auto& [name, value] : curve_values(metrics, smooth_.step_seconds)) {
    auto& curve = curves_[name];
    curve.resize(curve_steps_.size() - 1);
    curve.push_back(value);
  }
  if (curve_steps_.size() < kPoints) return;
  const auto halve = [](auto& values) {
    for (size_t i = 0; 2 * i < values.size(); ++i) values[i] = values[2 * i];
    values.resize((values.size() + 1) / 2);
  };
  halve(curve_steps_);
  for (auto& [name, curve] : curves_) halve(curve);
  spacing_ *= 2;
}

void LiveState::evaluation(int64_t step, const std::map<std::string, double>& metrics) {
  const std::scoped_lock lock(mutex_);
  json entry{{"step", step}};
  for (const eval::Metric& metric : eval::followed_metrics())
    if (const auto found = metrics.find(metric.name); found != metrics.end())
      entry[metric.name] = number(found->second);
  if (evaluations_.size() >= kEvaluations) evaluations_.erase(evaluations_.begin());
  evaluations_.push_back(std::move(entry));
}

void LiveState::checkpoint(int64_t step, double seconds, uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  keep_last(checkpoints_, {{"step", step}, {"time", unix_seconds()}, {"seconds", seconds}, {"bytes", bytes}},
            kCheckpoints);
}

void LiveState::checkpoint_failed(int64_t step, const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  keep_last(checkpoints_, {{"step", step}, {"time", unix_seconds()}, {"failed", reason}}, kCheckpoints);
}

void LiveState::notice(int64_t step, const std::string& sentence) {
  const std::scoped_lock lock(mutex_);
  keep_last(notices_, {{"step", step}, {"time", unix_seconds()}, {"sentence", sentence}}, kNotices);
}

void LiveState::embeddings(LiveEmbeddings embeddings) {
  const std::scoped_lock lock(mutex_);
  embeddings_ = std::move(embeddings);
  made_ = Clock::now();
}

bool LiveState::wants_embeddings() const {
  const std::scoped_lock lock(mutex_);
  const auto now = Clock::now();
  return asked_ && now - *asked_ < kAskedLately && (!made_ || now - *made_ > kStale);
}

std::string LiveState::run_json(const std::vector<RankState>& ranks) const {
  const std::scoped_lock lock(mutex_);
  json facts = json::array(), rank_rows = json::array(), phases = json::array(), curves = json::object();
  for (const auto& [name, value] : facts_) facts.push_back({name, value});
  for (const auto& rank : ranks)
    rank_rows.push_back({{"rank", rank.rank},
                         {"step", rank.step},
                         {"silent_seconds", rank.silent_seconds},
                         {"awaited_seconds", rank.awaited_seconds},
                         {"place", rank.place}});
  for (const auto& phase : engine::kPhaseFields)
    phases.push_back({phase.name, number(smooth_.phases.*phase.member)});
  for (const auto& [name, curve] : curves_) {
    json values = json::array();
    for (const auto& value : curve) values.push_back(number(value));
    curves[name] = std::move(values);
  }
  const auto seconds_since = [](Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  };
  const auto done = static_cast<double>(step_ - first_step_),
             left = static_cast<double>(total_steps_ - step_);
  return dumped({{"run", run_.run},
                 {"world", run_.world},
                 {"restarts", run_.restarts},
                 {"now", unix_seconds()},
                 {"began", began_},
                 {"step", step_},
                 {"total_steps", total_steps_},
                 {"epoch", last_.epoch},
                 {"seconds_left", done > 0 ? number(seconds_since(start_) / done * left) : json(nullptr)},
                 {"step_age", stepped_ ? number(seconds_since(*stepped_)) : json(nullptr)},
                 {"step_seconds", number(smooth_.step_seconds)},
                 {"facts", std::move(facts)},
                 {"config", config_},
                 {"phases", std::move(phases)},
                 {"steps", curve_steps_},
                 {"curves", std::move(curves)},
                 {"metrics", followed_rows()},
                 {"evaluations", evaluations_},
                 {"checkpoints", checkpoints_},
                 {"notices", notices_},
                 {"ranks", std::move(rank_rows)}});
}

std::string LiveState::embeddings_json() {
  const std::scoped_lock lock(mutex_);
  asked_ = Clock::now();
  json points = json::array(), triplets = json::array();
  for (const auto& point : embeddings_.points)
    points.push_back(
        {{"x", number(point.x)}, {"y", number(point.y)}, {"group", point.group}, {"label", point.label}});
  for (const auto& triplet : embeddings_.triplets)
    triplets.push_back({{"anchor", to_json(triplet.anchor)},
                        {"positive", to_json(triplet.positive)},
                        {"negative", to_json(triplet.negative)},
                        {"violation", number(triplet.violation)}});
  return dumped(
      {{"step", embeddings_.step}, {"points", std::move(points)}, {"triplets", std::move(triplets)}});
}

}  // namespace lodestone::coordinator
