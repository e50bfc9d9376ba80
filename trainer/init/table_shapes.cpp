#include "trainer/init/table_shapes.h"

#include <algorithm>
#include <iterator>

#include "common/printable.h"
#include "common/text_format.h"
#include "trainer/init/column_words.h"

namespace lodestone::init {

namespace {

using sampler::TextFormat;
using Columns = std::vector<const Column*>;

constexpr double kSameFrom = 0.7;  // of the range of grades: from there on, two texts count as the same

std::string name_of(const Column& column) {
  return "'" + printable(column.name.substr(0, 40)) + "'";
}

// Sets the columns that are read. Others are then left alone, which is said.
void read_columns(const TableSample& table, const Columns& read, TextFormat format, Finding& finding) {
  finding.text.format = format;
  for (const Column* column : read) finding.text.columns.push_back(column->name);
  if (!table.is_json) finding.text.header = table.has_header ? AutoYesNo::kYes : AutoYesNo::kNo;
  std::vector<std::string> rest;
  for (const Column& column : table.columns)
    if (std::ranges::find(read, &column) == read.end()) rest.push_back(printable(column.name.substr(0, 40)));
  if (!rest.empty()) finding.others.push_back("columns that nothing reads: " + joined(rest));
}

bool are_texts(const Columns& columns) {
  return std::ranges::all_of(columns, [](const Column* c) { return c != nullptr && c->is_text(); });
}

Columns texts_of(const TableSample& table) {
  Columns texts;
  for (const Column& column : table.columns)
    if (column.is_text()) texts.push_back(&column);
  return texts;
}

// pathA, pathB and 0|1, or three paths, as data.tuples reads them.
bool image_tuples(const TableSample& table, Finding& finding) {
  const auto& columns = table.columns;
  if (table.is_json || table.has_header || columns.size() != 3 || !columns[0].is_image() ||
      !columns[1].is_image())
    return false;
  if (!columns[2].is_image() && !columns[2].is_label01()) return false;
  finding.content = Content::kImageTuples;
  finding.tuples = table.path;
  finding.train.path.clear();
  finding.evaluate.path.clear();
  return true;
}

const Column* image_column(const TableSample& table) {
  const auto found = std::ranges::find_if(table.columns, &Column::is_image);
  return found == table.columns.end() ? nullptr : &*found;
}

// A list of images: the reader wants the columns path and label.
bool image_list(const TableSample& table, Finding& finding) {
  const Column *path = table.named({"path"}), *label = table.named({"label"});
  if (table.is_json || path == nullptr || label == nullptr || !path->is_image()) return false;
  finding.content = Content::kImages;
  for (const Column& column : table.columns) {
    const bool read = &column == path || &column == label || table.named({"split"}) == &column ||
                      table.named({"is_query"}) == &column || table.named({"is_gallery"}) == &column;
    if (!read) finding.train.other_columns = sampler::OtherColumns::kIgnore;
  }
  return true;
}

bool captions(const TableSample& table, Finding& finding) {
  const Column* path = image_column(table);
  if (path == nullptr) return false;
  const Column* caption = table.named(column_words().caption);
  if (caption == nullptr || caption == path || !caption->is_text()) {
    const Columns texts = texts_of(table);
    if (texts.size() != 1 || texts[0]->repeats()) return false;
    caption = texts[0];
  }
  if (caption->repeats()) return false;
  finding.content = Content::kCaptions;
  read_columns(table, {caption, path}, TextFormat::kCaptions, finding);
  return true;
}

bool named_triplets(const TableSample& table, Finding& finding) {
  const Column *first = table.named(column_words().first), *second = table.named(column_words().second);
  const Column* negative = table.named(column_words().negative);
  if (first == nullptr || second == nullptr || negative == nullptr || first == second) return false;
  const bool many = negative->lists > 0 || table.named({"negative_2"}) != nullptr;
  Columns read{first, second, negative};
  for (int n = 2; many && negative->lists == 0; ++n) {
    const std::string name = "negative_" + std::to_string(n);
    const Column* next = table.named({name.c_str()});
    if (next == nullptr) break;
    read.push_back(next);
  }
  read_columns(table, read, many ? TextFormat::kQueries : TextFormat::kTriplets, finding);
  return true;
}

// Whether numbers may say how well two texts fit: 0 and 1, fractions, or a scale that stands alone beside the
// texts. Others are counts, years or ids.
bool may_be_score(const Column& column, const TableSample& table) {
  constexpr int64_t kSteps = 11;  // of a scale from 0 to 10
  if (!column.is_number() || column.distinct < 2 || column.is_row_number()) return false;
  const bool alone = table.columns.size() == 3;
  const bool has_names = table.has_header || table.is_json;
  return column.is_label01() || column.integers < column.numbers ||
         (alone && (!has_names || column.distinct <= kSteps));
}

// The column that says how well two texts fit, by its name, else by its numbers if there is one such.
const Column* score_of(const TableSample& table, Finding& finding) {
  const Column* named = table.named(column_words().score);
  if (named != nullptr && named->is_number() && named->distinct >= 2) return named;
  const Column* found = nullptr;
  for (const Column& column : table.columns) {
    if (!may_be_score(column, table)) continue;
    if (found != nullptr) return nullptr;
    found = &column;
  }
  if (found != nullptr)
    finding.guesses.push_back(
        "column " + name_of(*found) +
        (found->is_label01() ? " says whether the texts of a row are the same (1) or not (0)"
                             : " says how similar the texts of a row are") +
        ", since it has such numbers; leave it out of data.text.columns if it does not");
  return found;
}

// 0 and 1, or grades, of which the upper ones count as the same in training.
void read_score(const Column& score, Finding& finding) {
  finding.what = score.is_label01() ? "pairs of texts, labelled the same (1) or not (0)"
                                    : "pairs of texts with grades of similarity";
  if (score.is_label01()) return;
  const double from = score.lowest + kSameFrom * (score.highest - score.lowest);
  finding.text.same_from = std::stod(compact(from));
  finding.guesses.push_back("pairs with " + name_of(score) + " from " + compact(from) + " on (of " +
                            compact(score.lowest) + " to " + compact(score.highest) +
                            ") count as the same in training; data.text.same_from changes it. The evaluation "
                            "compares the grades themselves");
}

bool pairs_of(const TableSample& table, const Column* first, const Column* second, Finding& finding) {
  if (!are_texts({first, second}) || first == second) return false;
  const Column* score = score_of(table, finding);
  Columns read{first, second};
  if (score != nullptr) read.push_back(score);
  read_columns(table, read, TextFormat::kPairs, finding);
  if (score != nullptr) read_score(*score, finding);
  return true;
}

bool named_pairs(const TableSample& table, Finding& finding) {
  return pairs_of(table, table.named(column_words().first), table.named(column_words().second), finding);
}

// Whether a column may name classes. One that is called so need not repeat much.
bool names_classes(const Column& column, bool is_called_so) {
  constexpr double kSome = 0.9;
  const auto most = static_cast<int64_t>(kSome * static_cast<double>(column.values));
  const bool repeats = column.repeats() || (is_called_so && column.distinct >= 2 && column.distinct <= most);
  return repeats && column.lists == 0 && !column.is_image();
}

bool named_labels(const TableSample& table, Finding& finding) {
  const Column *text = table.named(column_words().text), *label = table.named(column_words().label);
  if (text == nullptr || label == nullptr || text == label || !text->is_text() ||
      !names_classes(*label, /*is_called_so=*/true))
    return false;
  read_columns(table, {text, label}, TextFormat::kLabels, finding);
  return true;
}

// Of texts without known names: the one whose values repeat most names classes, the longest is the text.
bool guessed_labels(const TableSample& table, Finding& finding) {
  const Column *text = nullptr, *label = nullptr;
  for (const Column& column : table.columns) {
    if (names_classes(column, /*is_called_so=*/false) &&
        (label == nullptr || column.distinct < label->distinct))
      label = &column;
    if (column.is_text() && (text == nullptr || column.characters > text->characters)) text = &column;
  }
  // Numbers beside two texts are grades of a pair.
  if (label != nullptr && label->is_number() && texts_of(table).size() > 1) return false;
  const bool shorter = text != nullptr && label != nullptr && label->characters < text->characters;
  if (!shorter || text->repeats()) return false;
  read_columns(table, {text, label}, TextFormat::kLabels, finding);
  finding.guesses.push_back("column " + name_of(*text) + " has the texts and column " + name_of(*label) +
                            " their classes, since its values repeat; data.text.columns changes it");
  return true;
}

bool guessed_rows(const TableSample& table, Finding& finding) {
  const Columns texts = texts_of(table);
  if (texts.size() < 2 || !pairs_of(table, texts[0], texts[1], finding)) return false;
  const bool three = texts.size() > 2;
  const bool scored = finding.text.columns.size() > 2;
  finding.guesses.push_back(
      "columns " + name_of(*texts[0]) + " and " + name_of(*texts[1]) +
      (scored ? " are the texts of a pair" : " belong together, row by row") +
      (three ? "; if a third text is one that does not belong to them, set data.text.format: "
               "triplets and add its column to data.text.columns"
             : "; data.text.format and data.text.columns change it"));
  return true;
}

}  // namespace

std::span<const TableShape> table_shapes() {
  static constexpr TableShape kRows[] = {
      {.name = "explicit pairs or triplets of images", .fits = image_tuples},
      {.name = "a list of images and their classes", .fits = image_list},
      {.name = "images with captions", .fits = captions},
      {.name = "triplets of texts", .fits = named_triplets},
      {.name = "pairs of texts", .fits = named_pairs},
      {.name = "texts of classes", .fits = named_labels},
      {.name = "texts of classes", .fits = guessed_labels},
      {.name = "rows of texts that belong together", .fits = guessed_rows},
  };
  return kRows;
}

std::string described(const TableSample& table) {
  std::string text;
  for (const Column& column : table.columns) {
    const char* what = column.is_image()    ? "paths of images"
                       : column.is_number() ? "numbers"
                       : column.repeats()   ? "values that repeat"
                       : column.lists > 0   ? "lists"
                                            : "texts";
    text += (text.empty() ? "" : ", ") + name_of(column) + " (" + what + ")";
  }
  return text;
}

}  // namespace lodestone::init
