#include "sampler/texts/image_texts.h"

#include <filesystem>
#include <numeric>
#include <set>

#include "common/error.h"
#include "common/paths.h"
#include "sampler/files/path_patterns.h"
#include "sampler/sources/image_files.h"
#include "sampler/texts/image_text_shards.h"
#include "sampler/texts/text_source.h"

namespace lodestone::sampler {

namespace {

namespace fs = std::filesystem;

/// The images that a manifest's captions name, in the order of their classes.
std::shared_ptr<const ImageDataset> open_caption_images(const TextDataset& captions,
                                                        const std::vector<int64_t>& some_caption,
                                                        const fs::path& root, const DecodeOptions& decode,
                                                        bool missing_are_bad) {
  std::set<std::string> names;
  for (int64_t c = 0; c < captions.classes(); ++c) {
    const std::string name = captions.class_name(c);
    // One that is missing can be skipped when it is asked for.
    if (!missing_are_bad && !is_file(root / name))
      throw DataError("captions: expected an image below " + (root.empty() ? "." : root.string()) + ", got " +
                      name_in_quotes(name) + ", which is missing, at " +
                      captions.key(some_caption[static_cast<size_t>(c)]) + "; correct or remove the row");
    names.insert(name);
  }
  auto images = std::make_shared<ImageFiles>(root, ClassTable(names, {}), decode);
  images->leave_out(captions.left_out());
  for (const std::string& name : names) images->add_file(name, name);
  return images;
}

ImageTextSet open_manifest(const ImageSourceConfig& source, const TextLayout& layout,
                           const BadRecordConfig& bad_records, const DecodeOptions& decode) {
  TextSource rows;
  rows.path = source.path;
  rows.layout = layout;
  rows.layout.format = TextFormat::kCaptions;
  rows.bad_records = bad_records;
  rows.part = source.part;
  TextSet texts = open_texts(rows);
  ImageTextSet set;
  set.captions = texts.texts;
  set.rows = texts.rows;
  set.bad = texts.bad;
  set.messages = std::move(texts.messages);
  sort_captions(set, set.captions->classes());
  std::vector<int64_t> some_caption;
  for (int64_t c = 0; c < set.captions->classes(); ++c)
    some_caption.push_back(set.order[static_cast<size_t>(set.first[static_cast<size_t>(c)])]);
  set.images = open_caption_images(*set.captions, some_caption, fs::path(source.path).parent_path(), decode,
                                   bad_records.skips());
  return set;
}

}  // namespace

void sort_captions(ImageTextSet& set, int64_t images) {
  const TextDataset& captions = *set.captions;
  set.first.assign(static_cast<size_t>(images) + 1, 0);
  for (int64_t i = 0; i < captions.size(); ++i) ++set.first[static_cast<size_t>(captions.label(i)) + 1];
  std::partial_sum(set.first.begin(), set.first.end(), set.first.begin());
  std::vector<int64_t> next(set.first.begin(), set.first.end() - 1);
  set.order.resize(static_cast<size_t>(captions.size()));
  for (int64_t i = 0; i < captions.size(); ++i)
    set.order[static_cast<size_t>(next[static_cast<size_t>(captions.label(i))]++)] = i;
}

ImageTextSet open_image_texts(const ImageSourceConfig& source, const TextLayout& layout,
                              const BadRecordConfig& bad_records, const DecodeOptions& decode) {
  if (source.path.empty())
    throw ConfigError("data: expected `path` to name shards or a manifest, got nothing");
  if (source.quarter_turns || !source.class_filter.empty())
    throw ConfigError(
        "data: quarter_turns and class_filter apply to labelled images; remove them for image_texts");
  if (source.path.find(".tar") != std::string::npos)
    return open_image_text_shards(source, bad_records, decode);
  return open_manifest(source, layout, bad_records, decode);
}

}  // namespace lodestone::sampler
