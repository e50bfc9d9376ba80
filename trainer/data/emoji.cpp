#include "trainer/data/emoji.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "common/json_text.h"
#include "sampler/codecs/encode_png.h"
#include "sampler/dataset.h"
#include "trainer/data/emoji_images.h"
#include "trainer/data/face.h"
#include "trainer/data/output_folder.h"
#include "trainer/data/parallel.h"

namespace lodestone::data {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kFormat = 1;
constexpr double kTest = 0.15, kValidation = 0.05;  // shares of families
// A larger family (couples in all their skin tones) would be half of the evaluation data, so it goes to
// training.
constexpr int64_t kLargestEvaluated = 40;

void check(const EmojiOptions& options) {
  if (options.image_size < 16 || options.image_size > 128)
    throw ConfigError("emoji: expected an image size of 16 to 128 pixels, got " +
                      std::to_string(options.image_size));
  if (options.limit < 0)
    throw ConfigError("emoji: expected a limit of 0 (none) or more, got " + std::to_string(options.limit));
}

std::map<std::string, Split> split_families(const std::vector<EmojiImage>& emoji) {
  std::map<std::string, int64_t> size;
  for (const auto& one : emoji) ++size[one.family];
  std::map<std::string, Split> splits;
  for (const auto& [family, images] : size) {
    const double point = static_cast<double>(sampler::sample_id(family) >> 11) * 0x1.0p-53;
    if (images > kLargestEvaluated || point >= kTest + kValidation)
      splits[family] = Split::kTrain;
    else
      splits[family] = point < kTest ? Split::kTest : Split::kValidation;
  }
  return splits;
}

EmojiSplit write_split(Split split, const std::vector<EmojiImage>& emoji, const std::filesystem::path& folder,
                       int threads) {
  EmojiSplit report;
  std::vector<const EmojiImage*> own;
  std::set<std::string> families;
  const auto splits = split_families(emoji);
  for (const auto& one : emoji)
    if (splits.at(one.family) == split) own.push_back(&one), families.insert(one.family);
  if (own.empty())
    throw DataError(std::string("emoji: expected emoji for the split ") + name_of(split) +
                    ", found none among " + std::to_string(emoji.size()) +
                    "; give the packages' own font and names");
  std::vector<std::vector<uint8_t>> png(own.size());
  parallel_for(own.size(), threads, [&](size_t i) { png[i] = sampler::encode_png(own[i]->image); });

  ShardWriter writer(folder / (std::string(name_of(split)) + "-00000.tar"));
  for (size_t i = 0; i < own.size(); ++i) {
    Json captions = Json::array({own[i]->name});
    if (!own[i]->keywords.empty()) captions.push_back(own[i]->keywords);
    report.captions += static_cast<int64_t>(captions.size());
    const Json about{{"captions", captions}, {"class", own[i]->name}, {"group", own[i]->family}};
    writer.add(own[i]->key() + ".png", png[i]);
    writer.add(own[i]->key() + ".json", json_text(about));
  }
  report.shard = writer.close();
  report.images = static_cast<int64_t>(own.size());
  report.families = static_cast<int64_t>(families.size());
  return report;
}

std::string manifest_text(const EmojiOptions& options, const EmojiReport& report) {
  Json manifest{{"format", kFormat},
                {"image_size", options.image_size},
                {"font", checksum(read_file(options.font))},
                {"freetype", freetype_version()},
                {"repeated_pictures", report.repeated}};
  for (const Split split : kSplits) {
    const auto& part = report.splits[static_cast<size_t>(split)];
    manifest["splits"][name_of(split)] = {
        {"pictures", part.images},
        {"captions", part.captions},
        {"families", part.families},
        {"shard",
         {{"file", part.shard.name}, {"bytes", part.shard.bytes}, {"checksum", part.shard.checksum}}}};
  }
  return json_text(manifest, 2) + "\n";
}

}  // namespace

EmojiReport make_emoji(const EmojiOptions& options, const Log& log) {
  check(options);
  OutputFolder folder(options.output, "emoji");
  EmojiReport report;
  const auto emoji = draw_emoji(options.font, options.source, options.image_size, options.limit,
                                options.threads, report.repeated);
  log->info("emoji: {} images; {} left out, being the same as another one", emoji.size(), report.repeated);
  for (const Split split : kSplits)
    report.splits[static_cast<size_t>(split)] = write_split(split, emoji, folder.part(), options.threads);
  write_file_synced(folder.manifest(), manifest_text(options, report));
  folder.publish();
  return report;
}

}  // namespace lodestone::data
