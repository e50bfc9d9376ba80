#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "trainer/coordinator/metrics/run_metrics.h"
#include "trainer/engine/step_metrics.h"

namespace lodestone {

/// A sample as the live page shows it: a text, or a picture as a data: URI.
struct LiveSample {
  std::string label, text, picture;
};
struct LivePoint {
  double x = 0, y = 0;
  int64_t group = 0;
  std::string label;
};
struct LiveTriplet {
  LiveSample anchor, positive, negative;
  double violation = 0;
};
struct LiveEmbeddings {
  int64_t step = 0;
  std::vector<LivePoint> points;
  std::vector<LiveTriplet> triplets;
};

/// What the live page shows of a run, as JSON. Bounded: of the curves at most 600 points are kept, evenly spaced over
/// the whole run; of checkpoints and notices the last ones.
/// Threads   safe concurrently: the training thread tells, the web server asks
class LiveState {
 public:
  /// `facts`: what the page says of the run, in this order.
  LiveState(const RunInfo& run, int64_t first_step, int64_t total_steps,
            std::vector<std::pair<std::string, std::string>> facts, std::string config);

  void step(const StepMetrics& metrics);
  void evaluation(int64_t step, const std::map<std::string, double>& measures);
  void checkpoint(int64_t step, double seconds, uint64_t bytes);
  void checkpoint_failed(int64_t step, const std::string& reason);
  void notice(int64_t step, const std::string& sentence);
  void embeddings(LiveEmbeddings embeddings);

  /// Did a page ask for embeddings in the last ten seconds, and is what there is of it older than three? Only then is
  /// the work of making them worth its while.
  bool wants_embeddings() const;
  /// `ranks` as they are at this moment.
  std::string run_json(const std::vector<RankState>& ranks) const;
  /// Counts as asking for them.
  std::string embeddings_json();

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kPoints = 600;

  mutable std::mutex mutex_;
  RunInfo run_;
  int64_t first_step_, total_steps_, step_ = 0, spacing_ = 1;
  std::vector<std::pair<std::string, std::string>> facts_;
  std::string config_;
  Clock::time_point start_ = Clock::now();
  double began_ = 0;
  StepMetrics last_, smooth_;
  std::map<std::string, std::vector<std::optional<double>>> curves_;
  std::vector<int64_t> curve_steps_;
  nlohmann::json evaluations_ = nlohmann::json::array();
  std::deque<nlohmann::json> checkpoints_, notices_;
  LiveEmbeddings embeddings_;
  std::optional<Clock::time_point> stepped_, asked_, made_;
};

}  // namespace lodestone
