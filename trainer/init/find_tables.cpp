#include <algorithm>
#include <filesystem>

#include "common/error.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "sampler/files/path_patterns.h"
#include "trainer/init/find.h"
#include "trainer/init/table_sample.h"
#include "trainer/init/table_shapes.h"

namespace lodestone::init {

namespace {

constexpr const char* kEndings[] = {".csv", ".tsv", ".jsonl", ".ndjson", ".json"};
constexpr const char* kNoTables[] = {"equivalences.tsv", "metadata.json", "config.json", "package.json"};

bool is_table(const std::string& name) {
  const std::string small = small_name(name);
  return std::ranges::any_of(kEndings, [&](const char* ending) { return small.ends_with(ending); }) &&
         std::ranges::find(kNoTables, small) == std::end(kNoTables);
}

std::vector<std::string> tables_in(const Place& place) {
  std::vector<std::string> names;
  std::ranges::copy_if(place.files, std::back_inserter(names), is_table);
  return names;
}

std::string quoted(std::vector<std::string> names) {
  for (std::string& name : names) name = printable(name);
  return joined(names);
}

// The table of a folder to train on, and the one that is there for evaluation.
void choose_files(const Place& place, Finding& finding) {
  const std::vector<std::string> names = tables_in(place);
  const auto chosen = choose_by_use(place, names, finding.others);
  if (!chosen && names.size() > 1)
    throw DataError("init: expected one table, or one whose name has the word train, in " +
                    printable(place.path) + ", got " + quoted(names) + "; name one of them with --from");
  finding.train.path = chosen ? chosen->train : place.below(names.front());
  if (chosen) finding.evaluate.path = chosen->evaluate;
}

// The table beside this one that is there for its evaluation.
void find_partner(const Place& file, Finding& finding) {
  finding.train.path = file.path;
  const std::filesystem::path path(file.path);
  const std::string folder = path.parent_path().empty() ? "." : path.parent_path().string();
  if (!is_folder(folder) || !is_file(path)) return;
  Place around = look_at(folder);
  if (path.parent_path().empty()) around.path.clear();
  for (const UseGroup& group : groups_by_use(tables_in(around)))
    if (group.train.size() == 1 && group.train.front() == path.filename() && !group.evaluate.empty())
      finding.evaluate.path = pattern_of(around, group.evaluate);
}

// Labelled images for evaluation beside a list of tuples.
void find_labelled(const std::string& list, Finding& finding) {
  const std::filesystem::path parent = std::filesystem::path(list).parent_path();
  const Place around = look_at(parent.empty() ? "." : parent.string());
  if (has_shards(around)) finding.evaluate = find_shards(around).evaluate;
  if (!finding.evaluate.empty() || !has_class_folders(around)) return;
  const Finding folders = find_class_folders(around);
  finding.evaluate = folders.evaluate;
  // Without a split of their own, a part of the classes can be held out. The list names images of the folder.
  if (finding.evaluate.empty() && folders.train.path == around.path) finding.labelled = around.path;
}

// Lists name the split of each image; tables of texts are read whole.
void use_split(const TableSample& table, Finding& finding) {
  const Column* split = table.named({"split"});
  if (split == nullptr || !split->repeats()) return;
  if (finding.content != Content::kImages) {
    finding.others.emplace_back(
        "the column split is not read: rows of all splits are used; write one file for each");
    return;
  }
  const std::vector<UseGroup> groups = groups_by_use(split->examples);
  if (groups.empty())
    throw DataError("init: expected the word train in the column split of " + printable(table.path) +
                    ", got " + quoted(split->examples) + "; rename its values");
  finding.train.split = groups.front().train.front();
  if (groups.front().evaluate.empty()) return;
  finding.evaluate = finding.train;
  finding.evaluate.split = groups.front().evaluate.front();
}

[[noreturn]] void refuse(const TableSample& table) {
  const std::string expected = "init: expected a table of images, texts or captions in " +
                               printable(table.path) + ", got the columns " + described(table) + "; ";
  const bool has_images = std::ranges::any_of(table.columns, &Column::is_image);
  if (has_images)
    throw DataError(
        expected +
        "name the columns of a list of images path and label in its first line (label is the class), or "
        "path and caption");
  throw DataError(
      expected +
      "texts need a column that repeats (their classes), or a second column of texts that belong to the "
      "first");
}

}  // namespace

void note_tables(const Place& place, std::vector<std::string>& others) {
  for (const std::string& name : tables_in(place))
    others.push_back(printable(place.below(name)) + "; name it with --from to train on it");
}

bool has_tables(const Place& place) {
  if (!place.is_folder) return is_table(place.path);
  if (tables_in(place).empty()) return false;
  if (!has_class_folders(place)) return true;
  // Beside folders of images, a table counts if it lists them. Lists of pairs and triplets were made of the
  // folders, and teach less.
  Finding finding;
  try {
    choose_files(place, finding);
    const TableSample table = sample_table(sampler::expand_paths(finding.train.path).front());
    return std::ranges::count_if(table.columns, &Column::is_image) == 1;
  } catch (const DataError&) {
    return false;
  }
}

Finding find_tables(const Place& place) {
  Finding finding;
  place.is_folder ? choose_files(place, finding) : find_partner(place, finding);
  finding.content = Content::kTexts;
  const TableSample table = sample_table(sampler::expand_paths(finding.train.path).front());
  for (const TableShape& shape : table_shapes()) {
    if (!shape.fits(table, finding)) continue;
    if (finding.what.empty()) finding.what = shape.name;
    if (finding.content == Content::kImageTuples) find_labelled(finding.tuples, finding);
    use_split(table, finding);
    finding.evaluate.other_columns = finding.train.other_columns;
    return finding;
  }
  refuse(table);
}

}  // namespace lodestone::init
