#include "trainer/data/instances.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_text.h"
#include "sampler/codecs/encode_png.h"
#include "trainer/data/face.h"
#include "trainer/data/letters.h"
#include "trainer/data/parallel.h"

namespace lodestone::data {

namespace {

constexpr size_t kInstancesPerShard = 4096;

// Ranges of letters with about kInstancesPerShard instances in total.
std::vector<std::span<const Letter>> runs_of(const std::vector<Letter>& letters) {
  std::vector<std::span<const Letter>> runs;
  size_t begin = 0, instances = 0;
  for (size_t i = 0; i < letters.size(); ++i) {
    instances += letters[i].typefaces.size();
    if (instances < kInstancesPerShard && i + 1 < letters.size()) continue;
    runs.push_back(std::span(letters).subspan(begin, i + 1 - begin));
    begin = i + 1;
    instances = 0;
  }
  return runs;
}

// A typeface's name as part of a key: WebDataset keys end at the first dot.
std::string slug(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!text.empty() && text.back() != '-')
      text += '-';
  }
  while (text.ends_with('-')) text.pop_back();
  return text;
}

// Faces are opened once per shard, since a letter's typefaces recur in the next.
class Faces {
 public:
  explicit Faces(const std::vector<Typeface>& typefaces) : typefaces_(typefaces) {}

  sampler::Image draw(size_t typeface, char32_t code, int size) {
    auto place = open_.find(typeface);
    if (place == open_.end()) place = open_.emplace(typeface, Face::open(typefaces_[typeface].path)).first;
    auto image = place->second ? place->second->draw(code, size) : std::nullopt;
    if (!image)
      throw DataError("typefaces: " + typefaces_[typeface].path.string() + " no longer draws " +
                      code_name(code) + "; were the font packages changed meanwhile? Run again");
    return std::move(*image);
  }

 private:
  const std::vector<Typeface>& typefaces_;
  std::map<size_t, std::optional<Face>> open_;
};

void add_letter(const Letter& letter, const std::vector<Typeface>& typefaces, int image_size, Faces& faces,
                ShardWriter& writer) {
  std::map<std::string, int> used;
  for (const size_t t : letter.typefaces) {
    std::string key = "u";
    key.append(code_name(letter.code), 2).append("_").append(slug(typefaces[t].name()));
    if (const int copies = used[key]++; copies > 0) key.append("_").append(std::to_string(copies + 1));
    writer.add(key + ".png", sampler::encode_png(faces.draw(t, letter.code, image_size)));
    const nlohmann::ordered_json about{{"class", class_name(letter.code)},
                                       {"group", class_name(letter.group)},
                                       {"script", script_of(letter.code)},
                                       {"typeface", typefaces[t].name()},
                                       {"name", letter_name(letter.code)}};
    writer.add(key + ".json", json_text(about));
  }
}

}  // namespace

std::vector<ShardFile> write_instances(Split split, const std::vector<Letter>& letters,
                                       const std::vector<Typeface>& typefaces, int image_size,
                                       const std::filesystem::path& folder, int threads) {
  std::vector<Letter> own;
  for (const auto& letter : letters)
    if (letter.split == split) own.push_back(letter);
  const auto runs = runs_of(own);
  std::vector<ShardFile> shards(runs.size());
  parallel_for(runs.size(), threads, [&](size_t i) {
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "-%05zu.tar", i);
    ShardWriter writer(folder / (name_of(split) + std::string(number.data())));
    Faces faces(typefaces);
    for (const auto& letter : runs[i]) add_letter(letter, typefaces, image_size, faces, writer);
    shards[i] = writer.close();
  });
  return shards;
}

}  // namespace lodestone::data
