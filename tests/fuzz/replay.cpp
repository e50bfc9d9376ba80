/// Drives a libFuzzer target without libFuzzer: every seed of the folders named, then mutations of them,
/// always the same. usage: x_fuzz FOLDER... [MUTATIONS]. Exits by itself unless the target crashes.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using lodestone::Purpose;
using lodestone::Random;

void try_one(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

std::string mutated(std::string text, const std::vector<std::string>& seeds, Random& random) {
  for (uint64_t left = 1 + random.below(4); left > 0; --left) {
    const size_t at = text.empty() ? 0 : random.below(text.size());
    const size_t length = std::min<size_t>(text.size() - at, 1 + random.below(16));
    switch (random.below(7)) {
      case 0:  // a bit
        if (!text.empty()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
        break;
      case 1:  // a byte that often matters
        if (!text.empty()) text[at] = "\0\xFF\x7F\x80\x01 \n\",:{}[]09-/"[random.below(19)];
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(at, length));
        break;
      case 4:
        text.resize(at);
        break;
      case 5:  // a random byte
        text.insert(at, 1, static_cast<char>(random.below(256)));
        break;
      default: {  // the end of another seed
        const std::string& other = seeds[random.below(seeds.size())];
        const size_t from = other.empty() ? 0 : random.below(other.size());
        text = text.substr(0, at) + other.substr(from);
      }
    }
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds;
  uint64_t mutations = 3000;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      mutations = std::strtoull(argv[i], nullptr, 10);
      continue;
    }
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      std::ifstream file(path, std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "replay: expected folders with seeds, got none\n");
    return 2;
  }
  for (const std::string& seed : seeds) try_one(seed);
  for (uint64_t n = 0; n < mutations; ++n) {
    Random random(1, Purpose::kNoise, n);
    try_one(mutated(seeds[random.below(seeds.size())], seeds, random));
  }
  std::printf("%zu seeds and %llu mutations of them\n", seeds.size(),
              static_cast<unsigned long long>(mutations));
  return 0;
}
