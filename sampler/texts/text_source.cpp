#include "sampler/texts/text_source.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "common/counted.h"
#include "common/error.h"
#include "common/paths.h"
#include "sampler/files/path_patterns.h"
#include "sampler/sources/class_filter.h"
#include "sampler/sources/indexed_images.h"
#include "sampler/texts/indexed_texts.h"
#include "sampler/texts/text_columns.h"
#include "sampler/texts/text_components.h"

namespace lodestone::sampler {

namespace {

constexpr size_t kMessages = 20;

double number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw DataError("expected a number as the label of a pair, got '" + text.substr(0, 40) + "'");
  return value;
}

/// Fills a TextSet from files, row by row.
class Indexer {
 public:
  explicit Indexer(const TextSource& source)
      : source_(source), layout_(source.layout), filter_(source.class_filter) {}

  TextSet run() {
    if (by_component()) components_ = components();
    for (const std::string& path : expand_paths(source_.path)) add_file(path);
    check_bad_share(set_.bad, set_.rows + set_.bad, source_.bad_records, set_.messages);
    if (set_.rows == 0)
      throw DataError("texts: expected rows" +
                      std::string(source_.class_filter.empty() ? "" : " that class_filter keeps") +
                      (source_.part.is_whole() ? "" : " in this part") + ", got none in " + source_.path +
                      (set_.messages.empty() ? left_out_.clause() : "; left out: " + set_.messages.front()));
    finish();
    return std::move(set_);
  }

  // Reads all rows once, without keeping them. Those that cannot be read are left out here too.
  TextComponents components() {
    TextComponents found;
    bool first = true;
    for (const std::string& path : expand_paths(source_.path))
      for_each_row(
          path,
          [&](const TextColumns&, const RecordReader&, std::vector<std::string> values) {
            if (std::exchange(first, false)) set_width(values.size());
            if (values.size() < static_cast<size_t>(set_.texts_per_row)) return;
            values.resize(static_cast<size_t>(set_.texts_per_row));
            found.add_row(values);
          },
          [](const DataError&, const RecordReader&) {});
    return found;
  }

 private:
  bool is(TextFormat format) const { return layout_.format == format; }
  bool is_named() const { return is(TextFormat::kLabels) || is(TextFormat::kCaptions); }

  // Rows without classes that share a text are on one side of a split by classes.
  bool by_component() const {
    return !source_.part.is_whole() && source_.part.of == PartOf::kClasses && !is_named();
  }

  template <typename Visit, typename Refuse>
  void for_each_row(const std::string& path, const Visit& visit, const Refuse& refuse) {
    if (is_folder(path))
      throw DataError("texts: expected a text file (*.csv, *.tsv, *.jsonl, *.txt), got the folder " + path +
                      "; name a file in it; a data set of Hugging Face is written as one by to_csv()");
    const PositionedFile file(path);
    TextColumns columns(file, syntax_of(path), layout_);
    RecordReader reader(file, syntax_of(path), layout_.multiline);
    if (columns.has_header()) reader.next();
    while (reader.next()) try {
        visit(columns, reader, columns.values(reader));
      } catch (const DataError& error) {
        refuse(error, reader);
      }
  }

  void add_file(const std::string& path) {
    path_ = path;
    bool first = true;
    for_each_row(
        path,
        [&](const TextColumns& columns, const RecordReader& reader, std::vector<std::string> values) {
          if (!texts_) start(values.size());
          if (first) {
            texts_->add_file(path, columns);
            report_others(columns);
          }
          first = false;
          add_row(reader, std::move(values));
        },
        [&](const DataError& error, const RecordReader& reader) { refuse(error.what(), reader); });
  }

  std::string place_of(const RecordReader& reader) const {
    return path_ + ":" + std::to_string(reader.line());
  }

  // Reports once for all files with the same columns that nothing reads.
  void report_others(const TextColumns& columns) {
    for (const auto& [reason, what] : columns.left_out().reasons())
      if (!left_out_.reasons().contains(reason)) left_out_.add(reason, what.example, what.count);
  }

  // The first row determines the number of columns.
  void set_width(size_t values) {
    if (is(TextFormat::kPairs)) with_label_ = values == 3;
    if (is(TextFormat::kQueries)) {
      if (!layout_.negatives) layout_.negatives = static_cast<int64_t>(values) - 2;
      set_.texts_per_row = 2 + *layout_.negatives;
    } else {
      set_.texts_per_row = is(TextFormat::kTexts)   ? static_cast<int64_t>(values)
                           : is_named()             ? 1
                           : is(TextFormat::kPairs) ? 2
                                                    : 3;
    }
  }

  void start(size_t values) {
    set_width(values);
    set_.row_is_unit = is(TextFormat::kQueries) || (is(TextFormat::kPairs) && !with_label_);
    texts_ = std::make_shared<IndexedTexts>(is_named()         ? TextClasses::kNamed
                                            : set_.row_is_unit ? TextClasses::kRows
                                                               : TextClasses::kOwn,
                                            set_.texts_per_row);
  }

  void add_row(const RecordReader& reader, std::vector<std::string> values) {
    const auto width = static_cast<size_t>(set_.texts_per_row);
    const bool with_label = is_named() || with_label_;
    const size_t wanted = width + (with_label ? 1 : 0);
    if (values.size() < wanted)
      throw DataError("expected " + counted(static_cast<int64_t>(wanted), "column") + ", got " +
                      std::to_string(values.size()));
    if (is(TextFormat::kTexts) && values.size() > wanted)
      throw DataError("expected " + counted(static_cast<int64_t>(wanted), "text") +
                      " as in the first row, got " + std::to_string(values.size()));
    if (is(TextFormat::kQueries) && !source_.layout.negatives && values.size() > wanted)
      left_out_.add("negative|negatives beyond the " + std::to_string(wanted - 2) +
                        " that the first row has; set data.text.negatives to the number of negatives to use "
                        "of each row",
                    place_of(reader), static_cast<int64_t>(values.size() - wanted));
    const std::string label = with_label ? std::move(values[width]) : "";
    values.resize(width);
    if (is(TextFormat::kLabels) && !filter_.passes(label)) return;
    if (!in_part(label, values)) return;
    if (is(TextFormat::kCaptions) && !is_list_entry(label))
      throw DataError("expected an image's path below the list's folder, got " + name_in_quotes(label) +
                      "; correct or remove the row");
    if (is(TextFormat::kTriplets) && (values[2] == values[0] || values[2] == values[1]))
      throw DataError("expected a negative that is neither anchor nor positive, got the same text");
    const double score = with_label_ ? number_of(label) : 0;
    const bool differ = layout_.same_from ? score < *layout_.same_from : score == 0;
    if (with_label_ && differ && values[0] == values[1])
      return left_out_.add(
          "pair|pairs of a text with itself that count as not the same; remove them or correct their label",
          place_of(reader));
    uint32_t number = 0;
    if (is_named())
      number = numbers_.try_emplace(label, static_cast<uint32_t>(numbers_.size())).first->second;
    texts_->add_row(reader.offset(), reader.line(), values, number);
    if (is(TextFormat::kTriplets))
      set_.tuples.push_back({3 * set_.rows, 3 * set_.rows + 1, 3 * set_.rows + 2});
    if (with_label_) set_.scores.push_back(score);
    ++set_.rows;
  }

  bool in_part(const std::string& label, const std::vector<std::string>& texts) {
    const DataPart& part = source_.part;
    if (part.is_whole()) return true;
    if (by_component()) return part.has(components_.number(texts.front()));
    const bool by_label =
        is(TextFormat::kCaptions) || (is(TextFormat::kLabels) && part.of == PartOf::kClasses);
    return part.has(by_label ? label : texts.front());
  }

  void refuse(const std::string& error, const RecordReader& reader) {
    if (!source_.bad_records.skips())
      throw DataError(text_error(path_, reader.line(), error, "correct or remove the line"));
    const std::string message = text_error(path_, reader.line(), error);
    set_.bad += reader.lines();
    left_out_.add("line|lines without a row that can be read (on_bad_record: skip); correct the file",
                  message, reader.lines());
    if (set_.messages.size() < kMessages) set_.messages.push_back(message);
  }

  void finish() {
    // Labels 0 and 1, given or made by same_from, are tuples; all other values are grades.
    const auto is_label = [](double score) { return score == 0 || score == 1; };
    if (layout_.same_from)
      for (double& score : set_.scores) score = score >= *layout_.same_from ? 1 : 0;
    if (std::all_of(set_.scores.begin(), set_.scores.end(), is_label)) {
      for (size_t r = 0; r < set_.scores.size(); ++r) {
        const auto first = 2 * static_cast<int64_t>(r);
        set_.tuples.push_back({first, first + 1, -1, set_.scores[r] == 1});
      }
      set_.scores.clear();
    }
    std::vector<std::string> names;
    std::vector<uint32_t> order;
    for (const auto& [name, number] : numbers_) {
      names.push_back(name);
      order.push_back(number);
    }
    left_out_.add(filter_.unfitting());
    texts_->finish(std::move(names), order, left_out_);
    set_.texts = texts_;
  }

  const TextSource& source_;
  TextLayout layout_;
  ClassFilter filter_;
  TextSet set_;
  std::shared_ptr<IndexedTexts> texts_;
  std::string path_;                         // of the file that is read
  std::map<std::string, uint32_t> numbers_;  // by class name; numbered by first mention
  bool with_label_ = false;                  // pairs with a third column
  TextComponents components_;                // of a part by components
  LeftOut left_out_;
};

}  // namespace

TextSet open_texts(const TextSource& source) {
  if (source.path.empty()) throw ConfigError("data: expected `path` to name a text file, got nothing");
  if (!source.class_filter.empty() && source.layout.format != TextFormat::kLabels)
    throw ConfigError("data: class_filter keeps classes, and only the format labels has them; remove it");
  return Indexer(source).run();
}

std::vector<TextComponents::Component> text_components(const TextSource& source) {
  return Indexer(source).components().all();
}

}  // namespace lodestone::sampler
