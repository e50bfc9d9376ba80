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

namespace lodestone::coordinator {

/// A sample as the live page shows it: a text, or an image as a data: URI.
struct LiveSample {
  std::string label, text, image;
};
/// An embedding projected to the plane.
struct LivePoint {
  double x = 0, y = 0;
  int64_t group = 0;
  std::string label;
};
/// A triplet of samples; violation as in HardTriplet.
struct LiveTriplet {
  LiveSample anchor, positive, negative;
  double violation = 0;
};
/// Embeddings and hard triplets of one step.
struct LiveEmbeddings {
  int64_t step = 0;
  std::vector<LivePoint> points;
  std::vector<LiveTriplet> triplets;
};

/// The state of a run that the live page shows, as JSON. Its size is bounded: curves keep at most 600 points,
/// evenly spaced over the whole run; of checkpoints and notices only the last ones are kept.
/// Threads   safe concurrently: the training thread writes, the web server reads
class LiveState {
 public:
  /// `facts` are the properties of the run that the page shows, in this order.
  LiveState(const RunInfo& run, int64_t first_step, int64_t total_steps,
            std::vector<std::pair<std::string, std::string>> facts, std::string config);

  void step(const engine::StepMetrics& metrics);
  void evaluation(int64_t step, const std::map<std::string, double>& metrics);
  void checkpoint(int64_t step, double seconds, uint64_t bytes);
  void checkpoint_failed(int64_t step, const std::string& reason);
  void notice(int64_t step, const std::string& sentence);
  void embeddings(LiveEmbeddings embeddings);

  /// Whether a page requested embeddings in the last ten seconds and the present ones are older than three
  /// seconds; otherwise computing new ones is not worth the time.
  bool wants_embeddings() const;
  /// `ranks` is the current state of the ranks.
  std::string run_json(const std::vector<RankState>& ranks) const;
  /// The embeddings as JSON. Counts as a request for wants_embeddings().
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
  engine::StepMetrics last_, smooth_;
  std::map<std::string, std::vector<std::optional<double>>> curves_;
  std::vector<int64_t> curve_steps_;
  nlohmann::json evaluations_ = nlohmann::json::array();
  std::deque<nlohmann::json> checkpoints_, notices_;
  LiveEmbeddings embeddings_;
  std::optional<Clock::time_point> stepped_, asked_, made_;
};

}  // namespace lodestone::coordinator
