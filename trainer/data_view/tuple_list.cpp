#include "trainer/data_view/tuple_list.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/error.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "sampler/files/column_name.h"
#include "sampler/files/path_patterns.h"
#include "sampler/files/positioned_file.h"
#include "sampler/files/record_reader.h"
#include "sampler/sources/image_format.h"
#include "sampler/sources/tuple_names.h"
#include "sampler/texts/text_source.h"

namespace lodestone::data_view {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kPerSample = 20, kDefaultCount = 100'000;

/// Opened samples: `texts` is null for images.
struct Labelled {
  std::shared_ptr<const sampler::Dataset> samples;
  std::shared_ptr<const sampler::TextDataset> texts;
};

// Whether a table has the columns of a list of images.
bool lists_images(const std::string& path) {
  const sampler::PositionedFile file(path);
  sampler::RecordReader reader(file, sampler::syntax_of(path));
  return reader.next() && std::ranges::any_of(reader.columns(), [](const std::string& name) {
           return sampler::same_column(name, "path");
         });
}

bool names_texts(const std::string& path) {
  if (is_folder(path) || path.find(".tar") != std::string::npos) return false;
  const auto ends = [&](const char* ending) { return path.ends_with(ending); };
  if (ends(".jsonl") || ends(".ndjson") || ends(".json") || ends(".txt")) return true;
  return (ends(".csv") || ends(".tsv")) && !lists_images(sampler::expand_paths(path).front());
}

Labelled open_labelled(const TupleListOptions& options) {
  if (!names_texts(options.path)) {
    if (!options.columns.empty())
      throw ConfigError("data pairs: --columns names those of a text file, got it with images; leave it out");
    sampler::ImageSourceConfig source;
    source.path = options.path;
    source.split = options.split;
    if (!is_folder(options.path) && std::string(sampler::image_format(options.path).name) == "idx")
      throw ConfigError(
          "data pairs: expected images in files or shards, which a list can name, got an IDX file; train on "
          "it with data.train.path, whose sampler makes the pairs");
    return {sampler::open_images(source, {}), nullptr};
  }
  if (!options.split.empty())
    throw ConfigError("data pairs: --split applies to a list of images, got it with texts; leave it out");
  if (options.path.ends_with(".txt"))
    throw ConfigError("data pairs: expected texts with classes, got " + options.path +
                      ", which has one text per line; use a .csv, .tsv or .jsonl file with text and label");
  sampler::TextSource source;
  source.path = options.path;
  source.layout.columns = options.columns;
  const sampler::TextSet set = sampler::open_texts(source);
  return {set.texts, set.texts};
}

// "train", "validation" or "test" if a name of a file or folder begins like one; else "".
std::string split_of(const std::string& name) {
  static const std::map<std::string, std::string> kWords = {
      {"train", "train"},    {"training", "train"},        {"val", "validation"}, {"valid", "validation"},
      {"dev", "validation"}, {"validation", "validation"}, {"test", "test"},      {"testing", "test"},
      {"eval", "test"},      {"evaluation", "test"}};
  std::string word;
  for (const char c : name) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (small < 'a' || small > 'z') break;
    word += small;
  }
  const auto found = kWords.find(word);
  return found == kWords.end() ? "" : found->second;
}

// The names that may say which split a sample is of: the first folder above it, and its shard or text file.
std::set<std::string> places_of(const std::string& key, bool texts) {
  std::set<std::string> places;
  if (const size_t slash = key.find('/'); slash != std::string::npos) places.insert(key.substr(0, slash));
  const size_t end = texts ? key.find(':') : key.find(".tar!");
  if (end == std::string::npos) return places;
  const std::string file = key.substr(0, end);
  places.insert(file.substr(file.rfind('/') + 1));
  return places;
}

// A pair across two splits would show the test's samples in training. A folder that is a class is no split.
void check_one_split(const sampler::Dataset& samples, const std::string& path, bool texts) {
  std::map<std::string, std::string> found;
  for (int64_t i = 0; i < samples.size(); ++i)
    for (const std::string& place : places_of(samples.key(i), texts)) {
      const std::string split = split_of(place);
      if (split.empty() || found.contains(split) || place == samples.class_name(samples.label(i))) continue;
      found.emplace(split, samples.key(i));
    }
  if (found.size() < 2) return;
  std::string examples;
  for (const auto& [split, key] : found) examples += (examples.empty() ? "" : ", ") + printable(key);
  throw ConfigError(
      "data pairs: expected samples of one split, got several in " + path + " (" + examples +
      "); a pair across them would train on what is to be evaluated: name the part to train on");
}

std::string image_lines(const sampler::TupleNames& name, const std::vector<sampler::Tuple>& tuples) {
  std::string lines;
  for (const sampler::Tuple& tuple : tuples)
    lines += name(tuple.anchor) + "\t" + name(tuple.other) + "\t" +
             (tuple.is_triplet() ? name(tuple.negative)
              : tuple.same       ? "1"
                                 : "0") +
             "\n";
  return lines;
}

std::string text_lines(const sampler::TextDataset& texts, const std::vector<sampler::Tuple>& tuples) {
  std::string lines;
  for (const sampler::Tuple& tuple : tuples) {
    const std::string anchor = texts.get(tuple.anchor), other = texts.get(tuple.other);
    nlohmann::ordered_json line;
    if (tuple.is_triplet())
      line = {{"anchor", anchor}, {"positive", other}, {"negative", texts.get(tuple.negative)}};
    else
      line = {{"sentence1", anchor}, {"sentence2", other}, {"label", tuple.same ? 1 : 0}};
    lines += json_text(line) + "\n";
  }
  return lines;
}

// A path as a YAML value: in quotes, in which JSON's escapes hold.
std::string yaml_text(const std::string& path) {
  return json_text(nlohmann::json(path));
}

std::string configuration_of(const TupleListOptions& options, bool texts) {
  const fs::path file = options.output;
  const std::string folder = file.parent_path().empty() ? "." : file.parent_path().string();
  const char* loss = options.triplets ? "triplet" : "contrastive";
  if (!texts)
    return fill("data:\n  root: {}\n  tuples: {}\nloss: {name: {}}\n",
                {yaml_text(folder), yaml_text(file.filename().string()), loss});
  return fill("data:\n  kind: texts\n  train: {path: {}}\n  text: {format: {}}\nloss: {name: {}}\n",
              {yaml_text(options.output), options.triplets ? "triplets" : "pairs", loss});
}

void add_notes(const TupleListOptions& options, TupleList& list) {
  const char* what = list.texts ? "text" : "image";
  const DrawnTuples& drawn = list.drawn;
  if (drawn.lone > 0)
    list.notes.push_back(counted(drawn.lone, "class has", "classes have") + " one " + what +
                         ": it occurs in negatives only");
  if (drawn.repeated > 0)
    list.notes.push_back(counted(drawn.repeated, what) + " left out: the same as another of the class");
  if (drawn.ambiguous > 0)
    list.notes.push_back(counted(drawn.ambiguous, what) +
                         " left out: in two classes at once; remove one of the two labels");
  const int64_t made = list.same + list.different;
  if (options.count && made < *options.count)
    list.notes.push_back("the data have no more than these: " + std::to_string(*options.count) +
                         " were asked for; add samples, or ask for fewer");
}

}  // namespace

TupleList write_tuple_list(const TupleListOptions& options) {
  const Labelled labelled = open_labelled(options);
  const sampler::Dataset& samples = *labelled.samples;
  TupleList list;
  list.texts = labelled.texts != nullptr;
  list.samples = samples.size();
  list.classes = samples.classes();
  std::optional<sampler::TupleNames> names;
  if (!list.texts)
    names.emplace(samples, options.path, options.output, "data pairs");
  else if (fs::path(options.output).extension() != ".jsonl")
    throw ConfigError("data pairs: expected --output *.jsonl for texts, got " + options.output);
  check_one_split(samples, options.path, list.texts);
  const int64_t count = options.count.value_or(std::min(kDefaultCount, kPerSample * samples.size()));
  list.drawn = draw_tuples(samples, {count, options.triplets, options.seed});
  const std::vector<sampler::Tuple>& tuples = list.drawn.tuples;
  list.same = std::ranges::count_if(tuples, &sampler::Tuple::same);
  list.different = static_cast<int64_t>(tuples.size()) - list.same;
  write_output(options.output, names ? image_lines(*names, tuples) : text_lines(*labelled.texts, tuples));
  list.notes = samples.left_out().sentences();
  add_notes(options, list);
  list.configuration = configuration_of(options, list.texts);
  list.drawn.tuples.clear();
  return list;
}

}  // namespace lodestone::data_view
