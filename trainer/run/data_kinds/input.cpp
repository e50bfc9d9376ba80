#include "trainer/run/data_kinds/input.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/paths.h"
#include "common/printable.h"
#include "common/utf8.h"
#include "sampler/codecs/thumbnail.h"
#include "sampler/files/record_reader.h"
#include "sampler/image_examples.h"
#include "sampler/sources/image_files.h"
#include "sampler/sources/image_format.h"
#include "sampler/texts/image_texts.h"
#include "sampler/texts/text_examples.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/data_kinds/texts_in_memory.h"

namespace lodestone::run {

namespace {

namespace fs = std::filesystem;

std::shared_ptr<const sampler::ImageDataset> open_image(const fs::path& file,
                                                        const sampler::DecodeOptions& decode,
                                                        std::string& source) {
  source = absolute_path(file).parent_path().string();
  auto files = std::make_shared<sampler::ImageFiles>(source, sampler::ClassTable({""}, {}), decode);
  files->add_file(file.filename().string(), "");
  return files;
}

std::shared_ptr<const sampler::ImageDataset> open_input_images(const RunConfig& config,
                                                               const std::string& path,
                                                               const sampler::DecodeOptions& decode,
                                                               std::string& source) {
  if (is_file(path) && sampler::has_image_ending(path)) return open_image(path, decode, source);
  source = path;
  if (is_folder(path))
    if (auto loose = sampler::open_loose_images(path, decode)) return loose;
  sampler::ImageSourceConfig images = config.evaluate.data;
  images.path = path;
  images.mixture.clear();
  if (!sampler::has_split_column(path)) images.split.clear();
  images.class_filter.clear();
  images.part = {};
  return sampler::open_images(images, decode, config.data.loader.bad_records);
}

}  // namespace

Input open_image_input(const RunConfig& config, const std::string& path) {
  const sampler::ImageTransform transform(config.data.image, static_cast<uint64_t>(config.seed));
  Input input;
  std::shared_ptr<const sampler::ImageDataset> images;
  if (path.empty()) {
    const sampler::ImageSourceConfig source = config.data.resolved(config.evaluate.data);
    input.source = source.path;
    images = sampler::open_images(source, transform.decode_options(), config.data.loader.bad_records);
  } else {
    images = open_input_images(config, path, transform.decode_options(), input.source);
  }
  input.examples = std::make_shared<sampler::ImageExamples>(images, transform);
  return input;
}

Input open_text_input(const RunConfig& config, const std::string& path) {
  sampler::TextLayout layout = config.evaluate.text;
  if (sampler::syntax_of(path) == sampler::RecordSyntax::kLines) {
    layout = sampler::TextLayout();
    layout.format = sampler::TextFormat::kTexts;
  }
  const std::string file = path.empty() ? config.data.resolved(config.evaluate.data.path) : path;
  sampler::TextSet set = sampler::open_texts(
      {file, path.empty() ? config.evaluate.data.class_filter : std::vector<std::string>{}, layout,
       config.data.loader.bad_records, path.empty() ? config.evaluate.data.part : sampler::DataPart{}});
  return {std::make_shared<sampler::TextExamples>(set.texts, token_rule(config.data)), file, true};
}

Input open_captioned_input(const RunConfig& config, const std::string& path) {
  const sampler::ImageTransform transform(config.data.image, static_cast<uint64_t>(config.seed));
  sampler::ImageSourceConfig source = config.data.resolved(config.evaluate.data);
  if (!path.empty()) source.path = path;
  const sampler::ImageTextSet set = sampler::open_image_texts(
      source, config.evaluate.text, config.data.loader.bad_records, transform.decode_options());
  Input input{std::make_shared<sampler::ImageExamples>(set.images, transform), source.path};
  input.caption = [set](int64_t i) {
    return set.captions->get(set.order[static_cast<size_t>(set.first[static_cast<size_t>(i)])]);
  };
  return input;
}

std::string Input::text(int64_t i) const {
  if (caption) return caption(i);
  return texts ? examples->shown(i).text : "";
}

std::string row_name(const std::string& name) {
  return is_utf8(name) ? name : printable(name);
}

std::string Input::place_of(const search::EmbeddedRow& row) const {
  return row_place(absolute_path(source).string(), row.id);
}

std::string row_place(const std::string& source, const std::string& id) {
  return row_name((fs::path(source) / id).lexically_normal().string());
}

bool names_a_file(const std::string& word) {
  constexpr std::array kEndings = {".txt", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".tar", ".npy"};
  const std::string ending = sampler::lower_case(fs::path(word).extension().string());
  if (sampler::is_image_ending(ending) || std::ranges::find(kEndings, ending) != kEndings.end()) return true;
  for (const char* begin : {"/", "./", "../", "~/"})
    if (word.starts_with(begin)) return true;
  return word.find('/') != std::string::npos && word.find_first_of(" \t\n") == std::string::npos;
}

search::EmbeddedRow Input::row(int64_t i, const StoredContent& stored) const {
  const sampler::Dataset& data = dataset();
  search::EmbeddedRow row{row_name(data.key(i))};
  // An image with captions is its own class, which tells people nothing.
  // A text without a class is a class of its own, named by its place: "a.txt:3"; the texts of a row are one.
  if (std::string name = caption ? "" : row_name(data.class_name(data.label(i)));
      row.id != name && !row.id.starts_with(name + ":") && !(texts && row.id.starts_with(name + " text ")))
    row.label = std::move(name);
  if (stored.text) row.text = beginning(text(i), search::kRowTextBytes);
  if (texts || stored.thumbnail_side == 0) return row;
  row.thumbnail = sampler::thumbnail_of(*examples->shown(i).image, stored.thumbnail_side);
  return row;
}

Input open_input(const RunConfig& config, const std::string& path) {
  if (path.empty() && config.evaluate.data.empty())
    throw ConfigError("--input: expected a path, or evaluate.data.path in the configuration, got neither");
  if (!path.empty() && path.find_first_of("*{") == std::string::npos && !path_exists(path))
    throw DataError("expected a file or folder, got " + path + ", which does not exist");
  return config.data.kind->open_input(config, path);
}

Input text_input(const RunConfig& config, const std::string& text) {
  if (!config.data.kind->reads_texts())
    throw ConfigError("expected an image that exists, got '" + text + "'; this model reads no texts");
  return {std::make_shared<sampler::TextExamples>(std::make_shared<TextsInMemory>(std::vector{text}),
                                                  token_rule(config.data)),
          "", true};
}

}  // namespace lodestone::run
