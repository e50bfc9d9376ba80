#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "common/median.h"
#include "common/output_file.h"
#include "sampler/image_examples.h"
#include "sampler/samplers/sampler_learner.h"
#include "trainer/commands/verb.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct BenchLoaderArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  double seconds = 3;
  int64_t rounds = 5;
  std::string json;
};

using Clock = std::chrono::steady_clock;

double process_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The work done in one measurement.
struct Rate {
  int64_t images = 0;
  double seconds = 0;
  double core_seconds = 0;  ///< processor time of all threads

  double per_second() const { return static_cast<double>(images) / seconds; }
  double per_core_second() const { return static_cast<double>(images) / core_seconds; }
};

class Meter {
 public:
  Rate read(int64_t images) const {
    return {images, std::chrono::duration<double>(Clock::now() - begin_).count(),
            process_seconds() - core_begin_};
  }
  bool running(double seconds) const {
    return std::chrono::duration<double>(Clock::now() - begin_).count() < seconds;
  }

 private:
  Clock::time_point begin_ = Clock::now();
  double core_begin_ = process_seconds();
};

/// The upper bound: as many threads as the loader has, each of which decodes and transforms the rows of every
/// workers-th global batch into a buffer of its own. No batches, no queue, no labels.
Rate bare_loop(const sampler::ImageExamples& examples, const sampler::IndexSampler& sampler, int64_t workers,
               double seconds) {
  std::atomic<int64_t> images = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const Meter meter;
  std::vector<std::thread> threads;
  for (int64_t w = 0; w < workers; ++w)
    threads.emplace_back([&, w] {
      try {
        std::vector<float> out(static_cast<size_t>(examples.transform().numel()));
        for (int64_t n = w; meter.running(seconds); n += workers) {
          const sampler::GlobalBatch batch = sampler.batch(
              sampler::advance({}, n % sampler.batches_per_epoch(), sampler.batches_per_epoch()));
          for (size_t row = 0; row < batch.samples.size() && meter.running(seconds); ++row, ++images)
            examples.transform().augmented(examples.images().get(batch.samples[row]),
                                           {batch.cursor.epoch, batch.cursor.position, batch.views[row],
                                            examples.images().id(batch.samples[row])},
                                           out);
        }
      } catch (...) {
        const std::scoped_lock lock(mutex);
        failure = std::current_exception();
      }
    });
  for (auto& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  return meter.read(images);
}

/// Measures the loader on the same batches, taken as fast as they come, after the first one.
Rate through_loader(const run::TrainingData& data, const sampler::LoaderConfig& config, uint64_t seed,
                    double seconds) {
  sampler::Loader loader(data.examples, data.sampler, {0, 1}, config, seed);
  loader.next();
  int64_t images = 0;
  const Meter meter;
  while (meter.running(seconds)) images += loader.next().features.rows();
  return meter.read(images);
}

/// Of one round: images per second and core.
struct Measured {
  double limit = 0, rate = 0;
};

// The index of the median, of an even number the lower one.
int64_t middle_of(const std::vector<double>& values) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto middle = order.begin() + (static_cast<int64_t>(order.size()) - 1) / 2;
  std::ranges::nth_element(order, middle, {}, [&](int64_t i) { return values[static_cast<size_t>(i)]; });
  return *middle;
}

// Returns the round whose ratio is the median: the medians of its parts are those of different rounds, of
// other loads of the machine.
Measured measure(const run::TrainingData& data, const run::RunConfig& config,
                 const BenchLoaderArguments& arguments) {
  if (!data.images) throw ConfigError("bench loader: expected images to decode, got another kind of data");
  const sampler::LoaderConfig& loader = config.data.loader;
  const auto seed = static_cast<uint64_t>(config.seed);
  bare_loop(*data.images, *data.sampler, loader.workers, 0.5);  // reads the files into the page cache
  std::vector<double> ratios, core_ratios, limits, rates;
  for (int64_t round = 0; round < arguments.rounds; ++round) {
    const Rate limit = bare_loop(*data.images, *data.sampler, loader.workers, arguments.seconds);
    const Rate rate = through_loader(data, loader, seed, arguments.seconds);
    const auto workers = static_cast<double>(loader.workers);
    limits.push_back(limit.per_second() / workers);
    rates.push_back(rate.per_second() / workers);
    ratios.push_back(rate.per_second() / limit.per_second());
    core_ratios.push_back(rate.per_core_second() / limit.per_core_second());
    const nlohmann::json medians = {{"workers", loader.workers},
                                    {"global_batch", config.global_batch},
                                    {"limit_images_per_second_per_core", median(limits)},
                                    {"images_per_second_per_core", median(rates)},
                                    {"ratio", median(ratios)},
                                    {"core_second_ratio", median(core_ratios)}};
    if (!arguments.json.empty())
      write_output(arguments.json, json_text(nlohmann::json::array({medians}), 2) + "\n");
    std::printf("%5ld %20.0f %20.0f %7.3f %12.3f\n", static_cast<long>(round), limits.back(), rates.back(),
                ratios.back(), core_ratios.back());
    std::fflush(stdout);
  }
  const auto middle = static_cast<size_t>(middle_of(ratios));
  return {limits[middle], rates[middle]};
}

int run_bench_loader(const BenchLoaderArguments& arguments, const run::Tables& tables) {
  run::RunConfig config(tables);
  run::read_named_config(arguments.config, arguments.assignments, arguments.allow_code, config);
  config.data.loader.cache_mib = 0;  // cached images would leave out the decoding
  const run::TrainingData data = run::open_training_data(config, 1);
  if (data.sampler->learner() != nullptr)
    throw ConfigError("bench loader: expected a sampler without learned state, got '" +
                      config.sampler.name() + "'; use --set sampler.name=pk, which reads the same way");
  std::printf(
      "%ld worker(s), images per second and core; nothing is cached but by the system\n%5s %20s %20s %7s "
      "%12s\n",
      static_cast<long>(config.data.loader.workers), "round", "bare decode+transform", "loader", "ratio",
      "by core time");
  const Measured median_round = measure(data, config, arguments);
  std::printf("%s: %.0f of %.0f images per second and core, %.1f %%\n", "median round", median_round.rate,
              median_round.limit, 100 * median_round.rate / median_round.limit);
  return kDone;
}

}  // namespace

void add_bench_loader(CLI::App* loader, Action& action) {
  auto arguments = on<BenchLoaderArguments>(loader, action, run_bench_loader);
  add_path(loader, "config", arguments->config, "Configuration file (YAML)")->required();
  add_set(loader, arguments->assignments);
  add_allow_code(loader, arguments->allow_code);
  loader->add_option("--seconds", arguments->seconds, "Length of one measurement in seconds")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  loader
      ->add_option(
          "--rounds", arguments->rounds,
          "Number of rounds, each of one bare loop and one loader measurement; the median ratio is reported")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_path(loader, "--json", arguments->json, "File for the results as JSON");
}

}  // namespace lodestone::commands
