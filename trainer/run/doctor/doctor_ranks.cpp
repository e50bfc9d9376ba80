#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>

#include <ATen/ops/zeros.h>
#include <netdb.h>
#include <unistd.h>

#include "common/host_name.h"
#include "common/median.h"
#include "distributed/reductions/gather_texts.h"
#include "trainer/run/doctor/doctor_checks.h"

namespace lodestone::run {

namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;
using Clock = std::chrono::steady_clock;

constexpr int kMostRanks = 16;  // 120 pairs
constexpr int64_t kSmall = 8, kLarge = int64_t{4} << 20;
constexpr int kRounds = 15, kLargeRounds = 4;

// Lists the ranks for which something is not true, such as "1, 2 and 5 more"; "" if it is true for all.
std::string ranks_without(const distributed::Group& world, bool good) {
  const auto all = world.gather_counts(good ? 0 : 1);
  std::string names;
  int64_t more = 0;
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank] == 0) continue;
    if (std::count(names.begin(), names.end(), ',') >= 8)
      ++more;
    else
      names += (names.empty() ? "" : ", ") + std::to_string(rank);
  }
  return more > 0 ? names + " and " + std::to_string(more) + " more" : names;
}

Finding names(const distributed::Group& world, const std::vector<std::string>& hosts) {
  addrinfo* found = nullptr;
  const bool good = ::getaddrinfo(hosts.front().c_str(), nullptr, nullptr, &found) == 0;
  if (found) ::freeaddrinfo(found);
  const std::string without = ranks_without(world, good);
  if (without.empty()) return {"names", hosts.front() + ", the host of rank 0, resolves on all ranks"};
  return {"names",
          hosts.front() + ", the host of rank 0, does not resolve on ranks " + without +
              ": add it to DNS or /etc/hosts there",
          Level::kNote};
}

Finding shared_folder(const distributed::Group& world, const fs::path& folder) {
  const std::string name = world.broadcast_text(".lodestone-doctor-seen-" + std::to_string(::getpid()));
  const fs::path path = folder / name;
  if (world.rank() == 0) std::ofstream(path) << "seen\n";
  world.barrier();
  std::error_code error;
  const std::string without = ranks_without(world, fs::exists(path, error));
  world.barrier();
  if (world.rank() == 0) fs::remove(path, error);
  if (without.empty()) return {"folder: shared", "all ranks see the same"};
  return {"folder: shared",
          "files that rank 0 writes are not visible to ranks " + without +
              ": they could not resume from its checkpoints; mount one file system on all hosts",
          Level::kFails};
}

// All ranks read their clocks when they leave a barrier; the shortest of several rounds is the most exact.
Finding clocks(const distributed::Group& world) {
  double spread = 0, within = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    world.barrier();
    const auto start = Clock::now();
    world.barrier();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    const auto all = world.gather_counts(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
    const auto [low, high] = std::minmax_element(all.begin(), all.end());
    const auto slowest = world.gather_counts(static_cast<int64_t>(took * 1e6));
    const double bound = 1e-6 * static_cast<double>(*std::max_element(slowest.begin(), slowest.end()));
    if (bound < within) spread = 1e-6 * static_cast<double>(*high - *low), within = bound;
  }
  const bool off = spread - within > 1;
  return {"clocks",
          formatted("differ by at most %.3f ms, measured to within %.3f ms", spread * 1e3, within * 1e3) +
              (off ? ": set them by NTP" : ""),
          off ? Level::kNote : Level::kGood,
          {{"seconds", spread}, {"known_to_seconds", within}}};
}

// Seconds of one exchange with a peer in both directions at once.
double exchange(const distributed::Group& world, int peer, int64_t bytes, int rounds) {
  const at::Tensor x = at::zeros({bytes}, at::kByte);
  const std::array<int64_t, 1> shape{bytes};
  world.send_recv(x, peer, shape, peer);  // connects the ranks, and touches the buffers
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    world.send_recv(x, peer, shape, peer);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return median(seconds);
}

struct Pair {
  int low = 0, high = 0;
  double latency = 0, rate = 0;
};

std::vector<int> chosen_ranks(int world) {
  std::vector<int> ranks;
  for (int i = 0; i < std::min(world, kMostRanks); ++i)
    ranks.push_back(static_cast<int>(int64_t{i} * world / std::min(world, kMostRanks)));
  return ranks;
}

// One pair after the other, so that no two pairs share the network.
std::vector<Pair> measure_pairs(const distributed::Group& world) {
  std::vector<Pair> pairs;
  const auto ranks = chosen_ranks(world.size());
  for (size_t i = 0; i < ranks.size(); ++i)
    for (size_t j = i + 1; j < ranks.size(); ++j) {
      Pair pair{ranks[i], ranks[j], 0, 0};
      const bool low = world.rank() == pair.low;
      if (low || world.rank() == pair.high) {
        const int peer = low ? pair.high : pair.low;
        pair.latency = exchange(world, peer, kSmall, kRounds);
        pair.rate = static_cast<double>(kLarge) / exchange(world, peer, kLarge, kLargeRounds);
      }
      pair.latency = 1e-9 * static_cast<double>(world.gather_counts(
                                static_cast<int64_t>(pair.latency * 1e9))[static_cast<size_t>(pair.low)]);
      pair.rate = static_cast<double>(
          world.gather_counts(static_cast<int64_t>(pair.rate))[static_cast<size_t>(pair.low)]);
      pairs.push_back(pair);
    }
  return pairs;
}

std::string name_of(const Pair& pair, const std::vector<std::string>& hosts) {
  const auto end = [&](int rank) {
    return std::to_string(rank) + " (" + hosts[static_cast<size_t>(rank)] + ")";
  };
  return "ranks " + end(pair.low) + " and " + end(pair.high);
}

std::vector<Finding> network(const distributed::Group& world, const std::vector<std::string>& hosts) {
  const auto pairs = measure_pairs(world);
  std::vector<double> latencies, rates;
  nlohmann::json list = nlohmann::json::array();
  for (const auto& pair : pairs) {
    latencies.push_back(pair.latency);
    rates.push_back(pair.rate);
    list.push_back({{"ranks", {pair.low, pair.high}},
                    {"latency_seconds", pair.latency},
                    {"bytes_per_second", pair.rate}});
  }
  const auto slow = std::max_element(pairs.begin(), pairs.end(),
                                     [](const auto& a, const auto& b) { return a.latency < b.latency; });
  const auto thin = std::min_element(pairs.begin(), pairs.end(),
                                     [](const auto& a, const auto& b) { return a.rate < b.rate; });
  const double latency = median(latencies), rate = median(rates);
  // Pairs within one host are faster than pairs of two hosts, so only a tenfold difference is reported.
  const bool bad = thin->rate < 0.1 * rate;
  return {{"latency",
           formatted("%.1f us to exchange 8 bytes, median of %.0f pairs; worst %.1f us", latency * 1e6,
                     static_cast<double>(pairs.size()), slow->latency * 1e6) +
               ", " + name_of(*slow, hosts),
           Level::kGood,
           {{"median_seconds", latency}, {"pairs", list}}},
          {"bandwidth",
           formatted("%.2f GB/s each way over 4 MiB, median; worst %.2f GB/s", rate / 1e9, thin->rate / 1e9) +
               ", " + name_of(*thin, hosts) + (bad ? ": less than usual; check that link" : ""),
           bad ? Level::kNote : Level::kGood,
           {{"median_bytes_per_second", rate}}}};
}

}  // namespace

std::vector<Finding> check_ranks(const distributed::Group& world, const fs::path& folder) {
  const auto hosts = distributed::gather_texts(world, host_name());
  std::vector<Finding> all = {names(world, hosts), shared_folder(world, folder), clocks(world)};
  for (auto& finding : network(world, hosts)) all.push_back(std::move(finding));
  return all;
}

}  // namespace lodestone::run
