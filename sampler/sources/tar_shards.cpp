#include <algorithm>
#include <filesystem>

#include "common/counted.h"
#include "common/error.h"
#include "common/printable.h"
#include "sampler/files/path_patterns.h"
#include "sampler/sources/encoded_images.h"
#include "sampler/sources/filtered_images.h"
#include "sampler/sources/image_source.h"
#include "sampler/sources/indexed_images.h"
#include "sampler/sources/shard_index_cache.h"
#include "sampler/sources/tar_shard.h"

namespace lodestone::sampler {

namespace {

/// The samples of one shard that belong to the data set.
struct Part {
  TarShard shard;
  std::string name;  ///< relative to the folder that has all shards
  int64_t first = 0;
};

class TarShards : public IndexedImages, public EncodedImages {
 public:
  TarShards(std::vector<Part> parts, ClassTable table, const DecodeOptions& decode)
      : IndexedImages(std::move(table)), parts_(std::move(parts)), decode_(decode) {
    for (Part& part : parts_) {
      part.first = size();
      ShardIndex& index = part.shard.index();
      std::vector<int64_t> labels;
      for (const auto& named : index.classes) labels.push_back(this->table().index(named.name));
      for (size_t i = 0; i < index.block.size(); ++i) add(labels[index.class_of[i]], key(part, i));
      index.class_of = {};
      index.classes = {};
    }
    for (size_t s = 0; s < std::min(kFilesKeptOpen, parts_.size()); ++s) parts_[s].shard.keep_open();
  }

  std::string key(int64_t i) const override {
    const Part& part = part_of(i);
    return key(part, static_cast<size_t>(i - part.first));
  }

  Image get(int64_t i) const override {
    const Part& part = part_of(i);
    return part.shard.get(static_cast<size_t>(i - part.first), decode_);
  }

  std::vector<std::byte> encoded(int64_t i) const override {
    const Part& part = part_of(i);
    return part.shard.encoded(static_cast<size_t>(i - part.first));
  }

 private:
  static std::string key(const Part& part, size_t i) {
    return part.name + "!" + std::string(part.shard.index().name(i));
  }

  const Part& part_of(int64_t i) const {
    if (i < 0 || i >= size()) throw std::out_of_range("sample " + std::to_string(i));
    // The last part that begins at i or before; it follows any empty parts with the same beginning.
    return *std::prev(std::upper_bound(parts_.begin(), parts_.end(), i,
                                       [](int64_t sample, const Part& part) { return sample < part.first; }));
  }

  std::vector<Part> parts_;
  DecodeOptions decode_;
};

void keep_classes(ShardIndex& index, ClassFilter& filter) {
  std::vector<bool> passes;
  for (const auto& named : index.classes) passes.push_back(filter.passes(named.name));
  if (std::find(passes.begin(), passes.end(), false) == passes.end()) return;
  constexpr uint32_t kNone = UINT32_MAX;
  ShardIndex kept;
  std::vector<uint32_t> number;
  for (size_t c = 0; c < passes.size(); ++c) {
    number.push_back(passes[c] ? static_cast<uint32_t>(kept.classes.size()) : kNone);
    if (passes[c]) kept.classes.push_back(index.classes[c]);
  }
  for (size_t i = 0; i < index.block.size(); ++i)
    if (const uint32_t c = number[index.class_of[i]]; c != kNone)
      kept.add(index.name(i), index.offset(i), index.size[i], c);
  index = std::move(kept);
}

constexpr size_t kMessages = 20;

/// Class names and look-alikes of all shards. Adds to `left_out` the groups that cannot be used.
ClassTable class_table(const std::vector<Part>& parts, const BadRecordConfig& bad_records,
                       LeftOut& left_out) {
  std::set<std::string> names;
  std::map<std::string, std::string> look_alikes;
  int64_t said = 0, bad = 0;
  std::vector<std::string> messages;
  for (const Part& part : parts)
    for (const auto& [name, group] : part.shard.index().classes) {
      names.insert(name);
      if (group.empty()) continue;
      const auto [known, is_new] = look_alikes.emplace(name, group);
      ++said;
      if (is_new || known->second == group) continue;
      const std::string message = "shard: expected class '" + printable(name) + "' in one group, got '" +
                                  printable(known->second) + "' before and '" + printable(group) + "' in " +
                                  part.shard.path();
      if (!bad_records.skips()) throw DataError(message + "; correct it");
      if (++bad; messages.size() < kMessages) messages.push_back(message);
    }
  check_bad_share(bad, said, bad_records, messages);
  if (bad > 0)
    left_out.add(
        "group|groups of look-alikes that shards contradict (on_bad_record: skip); the first one counts",
        messages.front(), bad);
  return ClassTable(names, look_alikes);
}

/// Collects what the shards' indexes left out, and handles what cannot be used.
class Losses {
 public:
  Losses(const ImageSourceConfig& config, const BadRecordConfig& bad_records)
      : config_(config), bad_records_(bad_records) {}

  void add(const ShardIndex& index, const std::string& path) {
    LeftOut passed;
    for (const auto& [reason, what] : index.left_out.reasons())
      passed.add(reason, path + "!" + what.example, what.count);
    if (index.incomplete > 0 && !config_.skip_incomplete)
      throw DataError("shard: expected an image and a .cls, .json or .txt for " + index.first_incomplete +
                      " in " + path + "; complete it, or set skip_incomplete: true" + passed.clause());
    left_out_.add(passed);
    left_out_.add("key|keys of shards without image or class (skip_incomplete); complete the shards",
                  index.first_incomplete + " in " + path, index.incomplete);
    records_ += index.samples() + index.bad.count;
    bad_ += index.bad.count;
    for (size_t n = 0; n < index.bad.first.size() && messages_.size() < kMessages; ++n)
      messages_.push_back(index.bad.message_for(n, path));
    if (bad_ > 0 && !bad_records_.skips()) throw DataError(messages_.front() + "; correct or remove it");
  }

  /// Everything that was left out. Throws DataError if too much is bad.
  LeftOut finish() {
    check_bad_share(bad_, records_, bad_records_, messages_);
    if (bad_ > 0)
      left_out_.add("record|records of shards in error (on_bad_record: skip); repair the shards",
                    messages_.front(), bad_);
    return left_out_;
  }

 private:
  const ImageSourceConfig& config_;
  const BadRecordConfig& bad_records_;
  LeftOut left_out_;
  int64_t records_ = 0, bad_ = 0;
  std::vector<std::string> messages_;
};

}  // namespace

std::shared_ptr<IndexedImages> open_filtered_shards(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records, ClassFilter& filter) {
  const std::vector<std::string> paths = expand_paths(config.path);
  const std::vector<std::string> names = relative_names(paths);
  std::vector<Part> parts;
  Losses losses(config, bad_records);
  int64_t all = 0, kept = 0;
  for (size_t s = 0; s < paths.size(); ++s) {
    ShardIndex index = cached_shard_index(PositionedFile(paths[s]), config.index_cache);
    losses.add(index, paths[s]);
    all += index.samples();
    keep_classes(index, filter);
    kept += index.samples();
    parts.push_back({TarShard(paths[s], std::move(index)), names[s]});
  }
  LeftOut left_out = losses.finish();
  if (kept == 0)
    throw DataError(std::string("shard: expected images ") +
                    (all == 0 ? "with a class" : "of a class that class_filter keeps") + ", got none in " +
                    counted(static_cast<int64_t>(paths.size()), "shard") + " of '" + config.path + "'" +
                    left_out.clause());
  ClassTable table = class_table(parts, bad_records, left_out);
  auto shards = std::make_shared<TarShards>(std::move(parts), std::move(table), decode);
  shards->leave_out(left_out);
  return shards;
}

}  // namespace lodestone::sampler
