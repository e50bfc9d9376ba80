#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>
#include <malloc.h>

#include "common/files.h"
#include "sampler/samplers/pk_sampler.h"
#include "sampler/samplers/shuffle_sampler.h"
#include "sampler/sources/image_source.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

namespace fs = std::filesystem;

// LODESTONE_MANY_SAMPLES says how many; a million take two gigabytes of temporary files.
int64_t wanted() {
  const char* text = std::getenv("LODESTONE_MANY_SAMPLES");
  return text == nullptr ? 50'000 : std::atoll(text);
}

double resident_bytes() {
  ::malloc_trim(0);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return 1024 * std::stod(line.substr(6));
  return 0;
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

void write_shards(const fs::path& folder, int64_t samples, int64_t per_shard) {
  for (int64_t first = 0; first < samples; first += per_shard) {
    testing::Tar tar;
    for (int64_t i = first; i < std::min(samples, first + per_shard); ++i) {
      char key[32];
      std::snprintf(key, sizeof(key), "%09lld", static_cast<long long>(i));
      tar.add(std::string(key) + ".pgm",
              "P5 2 1 255\n" + std::string{static_cast<char>(i), static_cast<char>(i >> 8)})
          .add(std::string(key) + ".cls", std::to_string(i % 1000));
    }
    const fs::path path = folder / (std::to_string(100'000 + first / per_shard) + ".tar");
    testing::write_bytes(path, tar.finished());
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
}

TEST(ManySamples, AreIndexedOnceAndTakeFewBytesEach) {
  const TempFolder folder;
  const int64_t samples = wanted();
  const auto n = static_cast<double>(samples);
  write_shards(folder.path(), samples, 10'000);
  ImageSourceConfig config;
  config.path = folder.path() / "*.tar";
  const Stopwatch first;
  open_images(config, {});
  const double building = first.seconds();
  const double before = resident_bytes();
  const Stopwatch second;
  const auto set = open_images(config, {});
  const double reading = second.seconds();
  const double bytes = (resident_bytes() - before) / n;
  ASSERT_EQ(set->size(), samples);
  ASSERT_EQ(set->classes(), 1000);
  for (int64_t i = 0; i < samples; i += 9973)
    ASSERT_EQ(set->get(i).pixels,
              (std::vector<uint8_t>{static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)}));
  const double before_sampler = resident_bytes();
  const Stopwatch third;
  const PkSampler pk(set, PkConfig{}, 1024, 1);
  EXPECT_EQ(pk.batch({0, 0}).rows(), 1024);
  const double planning = third.seconds();
  const double sampler_bytes = (resident_bytes() - before_sampler) / n;
  std::printf(
      "%lld samples: index %.2f s, from its cache %.2f s, %.1f bytes each; pk sampler's first epoch %.2f s, "
      "%.1f bytes\n",
      static_cast<long long>(samples), building, reading, bytes, planning, sampler_bytes);
  // 24 and a name of 13; vectors may have room to spare.
  EXPECT_LT(bytes, 80);
  EXPECT_LT(sampler_bytes, 80);
}

}  // namespace
}  // namespace lodestone
