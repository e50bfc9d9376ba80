// Prints the tokens of texts, for huggingface_peers.py.
// usage: huggingface_ids TOKENIZER.json MAX_TOKENS read|split [time]   < one JSON string a line
// Prints a line per text: id:begin:end …; with `time`, the CPU seconds of the ids of all texts, best of five.
#include <iostream>

#include <nlohmann/json.hpp>

#include "sampler/tokenizers/huggingface/tokenizer_json.h"
#include "support/growth.h"

namespace {

using lodestone::sampler::PlacingTokenizer;

void print_tokens(const PlacingTokenizer& tokenizer, const std::vector<std::string>& texts, int64_t most) {
  for (const std::string& text : texts) {
    const auto placed = tokenizer.place(text, most);
    std::vector<int64_t> ids;
    for (const auto& [id, begin, end] : placed) {
      std::cout << id << ':' << begin << ':' << end << ' ';
      ids.push_back(id);
    }
    std::cout << (ids == tokenizer.encode(text, most) ? "" : "encode() differs") << '\n';
  }
}

void print_seconds(const PlacingTokenizer& tokenizer, const std::vector<std::string>& texts, int64_t most) {
  double best = 1e9;
  for (int run = 0; run < 5; ++run)
    best = std::min(best, lodestone::testing::cpu_seconds([&] {
                      for (const std::string& text : texts) tokenizer.encode(text, most);
                    }));
  std::cout << best << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  try {
    const auto tokenizer =
        lodestone::sampler::open_tokenizer_json(argv[1], std::string_view(argv[3]) == "read");
    std::vector<std::string> texts;
    for (std::string line; std::getline(std::cin, line);)
      texts.push_back(nlohmann::json::parse(line).get<std::string>());
    (argc > 4 ? print_seconds : print_tokens)(*tokenizer, texts, std::stoll(argv[2]));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
