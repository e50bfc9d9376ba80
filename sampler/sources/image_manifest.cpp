#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <strings.h>

#include "common/counted.h"
#include "common/error.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "sampler/files/column_name.h"
#include "sampler/files/path_patterns.h"
#include "sampler/files/record_reader.h"
#include "sampler/sources/filtered_images.h"
#include "sampler/sources/image_files.h"
#include "sampler/sources/image_format.h"
#include "sampler/sources/image_source.h"

namespace lodestone::sampler {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kMessages = 20;
enum Column { kPath, kLabel, kSplit, kIsQuery, kIsGallery, kColumns };
constexpr std::array<std::string_view, kColumns> kNames{"path", "label", "split", "is_query", "is_gallery"};

/// The value of a cell of is_query or is_gallery. Rows for training are not evaluated and may leave it empty.
enum class Flag : uint8_t { kNo, kYes, kEmpty };

/// Images of a list, with their roles in retrieval.
class ManifestImages : public ImageFiles {
 public:
  using ImageFiles::ImageFiles;

  void add_row(std::string_view path, const std::string& label, Flag is_query, Flag is_gallery) {
    add_file(path, label);
    queries_.push_back(is_query);
    gallery_.push_back(is_gallery);
  }
  bool is_query(int64_t i) const override { return said(queries_, i, kIsQuery); }
  bool is_gallery(int64_t i) const override { return said(gallery_, i, kIsGallery); }

 private:
  bool said(const std::vector<Flag>& flags, int64_t i, Column column) const {
    const Flag flag = flags.at(static_cast<size_t>(i));
    if (flag == Flag::kEmpty)
      throw DataError("list: expected 1 or 0 in the column " + std::string(kNames[column]) +
                      " of a row that is evaluated, got an empty cell for " + key(i) +
                      "; fill it in, or select the rows to evaluate with evaluate.data.split");
    return flag == Flag::kYes;
  }

  std::vector<Flag> queries_, gallery_;
};

/// The rows of a manifest with the selected split and classes.
class Manifest {
 public:
  Manifest(const ImageSourceConfig& config, ClassFilter& filter)
      : config_(config), filter_(filter), file_(config.path) {}

  /// Calls visit(path, label, is_query, is_gallery) for each row, and on_bad(error) for one that cannot be
  /// used. Returns the number of rows in the list.
  template <typename Visit, typename OnBad>
  int64_t each(const Visit& visit, const OnBad& on_bad) const {
    RecordReader reader(file_, syntax_of(config_.path));
    const bool any = next(reader);
    const auto columns = read_header(reader, any ? reader.columns() : std::vector<std::string>());
    const size_t width = reader.columns().size();
    int64_t rows = 0;
    for (; reader.next(); ++rows) try {
        visit_row(reader, columns, width, visit);
      } catch (const DataError& error) {
        on_bad(error);
      }
    return rows;
  }

  /// The columns that are not read. Requires a list that each() has read.
  LeftOut unread() const {
    RecordReader reader(file_, syntax_of(config_.path));
    next(reader);
    const Columns columns = read_header(reader, reader.columns());
    std::vector<std::string> names = unread_names(reader.columns(), columns);
    const bool all_splits = columns[kSplit] && config_.split.empty();
    if (all_splits) names.emplace_back(kNames[kSplit]);
    LeftOut found;
    found.add("column|columns that nothing reads: " + joined(names) +
                  (all_splits ? "; rows of all splits are taken unless data.train.split or "
                                "evaluate.data.split names one"
                              : ""),
              config_.path, static_cast<int64_t>(names.size()));
    return found;
  }

 private:
  using Columns = std::array<std::optional<size_t>, kColumns>;

  bool next(RecordReader& reader) const {
    if (!reader.next()) return false;
    check(reader);
    return true;
  }

  void check(const RecordReader& reader) const {
    if (!reader.problem().empty())
      throw DataError("list: " + reader.problem() + " at " + config_.path + ":" +
                      std::to_string(reader.line()) + "; correct or remove the row");
  }

  template <typename Visit>
  void visit_row(const RecordReader& reader, const Columns& columns, size_t width, const Visit& visit) const {
    check(reader);
    const std::vector<std::string>& cells = reader.columns();
    if (cells.size() != width)
      refuse(reader, counted(static_cast<int64_t>(width), "column") + " as in the header",
             std::to_string(cells.size()));
    const auto cell = [&](Column c) { return columns[c] ? cells[*columns[c]] : std::string(); };
    if (!config_.split.empty() && cell(kSplit) != config_.split) return;
    const std::string label = cell(kLabel);
    if (label.empty()) refuse(reader, "a label", "an empty one");
    if (!filter_.passes(label)) return;
    const std::string path = cell(kPath);
    if (!is_list_entry(path)) refuse(reader, "a path below the list's folder", name_in_quotes(path));
    visit(fs::path(path).lexically_normal().generic_string(), label,
          columns[kIsQuery] ? flag(reader, kIsQuery, cell(kIsQuery)) : Flag::kYes,
          columns[kIsGallery] ? flag(reader, kIsGallery, cell(kIsGallery)) : Flag::kYes);
  }

  [[noreturn]] void refuse(const RecordReader& reader, const std::string& expected, const std::string& got,
                           const std::string& next = "correct or remove the row") const {
    throw DataError("list: expected " + expected + ", got " + got + " at " + config_.path + ":" +
                    std::to_string(reader.line()) + "; " + next);
  }

  Columns read_header(const RecordReader& reader, const std::vector<std::string>& names) const {
    Columns columns;
    for (size_t c = 0; c < kColumns; ++c) columns[c] = find(reader, names, kNames[c]);
    if (!columns[kPath] || !columns[kLabel])
      refuse(reader, "a header with the columns path and label (and, if wanted, split, is_query, is_gallery)",
             names.empty() ? "an empty file" : "'" + names.front() + "' and what follows it",
             "name the columns in the first row");
    if (!config_.split.empty() && !columns[kSplit])
      refuse(reader, "a column split, since the configuration asks for split '" + config_.split + "'", "none",
             "name the column, or leave split out");
    if (std::ranges::any_of(names, [](const auto& name) { return same_column(name, "group"); }))
      refuse(reader, "classes alone",
             "a column group, while only folders and shards have groups of look-alikes", "remove the column");
    if (config_.other_columns == OtherColumns::kRefuse) refuse_unread(reader, names, columns);
    return columns;
  }

  // The place of a column: that of the same spelling, or of the only other one.
  std::optional<size_t> find(const RecordReader& reader, const std::vector<std::string>& names,
                             std::string_view wanted) const {
    std::vector<size_t> same, exact;
    for (size_t f = 0; f < names.size(); ++f) {
      if (same_column(names[f], wanted)) same.push_back(f);
      if (names[f] == wanted) exact.push_back(f);
    }
    const std::vector<size_t>& found = exact.empty() ? same : exact;
    if (found.size() > 1) {
      std::vector<std::string> spellings;
      for (const size_t f : found) spellings.push_back(printable(names[f]));
      refuse(reader, "the column " + std::string(wanted) + " once", joined(spellings),
             "rename or remove all but one");
    }
    return found.empty() ? std::nullopt : std::optional(found.front());
  }

  static std::vector<std::string> unread_names(const std::vector<std::string>& names,
                                               const Columns& columns) {
    std::vector<std::string> unread;
    for (size_t f = 0; f < names.size(); ++f)
      if (std::ranges::find(columns, std::optional(f)) == columns.end())
        unread.push_back(names[f].empty() ? "(no name)" : printable(names[f]));
    return unread;
  }

  void refuse_unread(const RecordReader& reader, const std::vector<std::string>& names,
                     const Columns& columns) const {
    if (columns[kSplit] && config_.split.empty())
      refuse(reader, "`split` beside `path`, since the list has a column split", "none",
             "set it to the rows to take, or set other_columns: ignore beside `path` to take those of all "
             "splits (for --input: --set evaluate.data.split=… or --set evaluate.data.other_columns=ignore)");
    const std::vector<std::string> unread = unread_names(names, columns);
    if (!unread.empty())
      refuse(reader, "only path, label and, if wanted, split, is_query and is_gallery as columns",
             "others too: " + joined(unread), "remove them, or set other_columns: ignore beside `path`");
  }

  Flag flag(const RecordReader& reader, Column column, const std::string& value) const {
    const auto is_one_of = [&](std::initializer_list<const char*> words) {
      return std::ranges::any_of(words,
                                 [&](const char* word) { return ::strcasecmp(value.c_str(), word) == 0; });
    };
    if (is_one_of({"1", "1.0", "true", "yes", "y", "t"})) return Flag::kYes;
    if (is_one_of({"0", "0.0", "false", "no", "n", "f"})) return Flag::kNo;
    if (is_one_of({"", "nan", "none", "null"})) return Flag::kEmpty;
    refuse(reader, "1 or 0 in the column " + std::string(kNames[column]), "'" + value + "'");
  }

  const ImageSourceConfig& config_;
  ClassFilter& filter_;
  PositionedFile file_;
};

}  // namespace

bool has_split_column(const std::string& path) {
  if (!image_format(path).has_splits) return false;
  const PositionedFile file(path);
  RecordReader reader(file, syntax_of(path));
  return reader.next() && std::ranges::any_of(reader.columns(), [](const std::string& name) {
           return same_column(name, kNames[kSplit]);
         });
}

std::shared_ptr<IndexedImages> open_filtered_manifest(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode,
                                                      const BadRecordConfig& bad_records,
                                                      ClassFilter& filter) {
  const Manifest manifest(config, filter);
  std::set<std::string> names;
  int64_t bad = 0;
  std::vector<std::string> messages;
  const int64_t rows =
      manifest.each([&](const std::string&, const std::string& label, Flag, Flag) { names.insert(label); },
                    [&](const DataError& error) {
                      if (!bad_records.skips()) throw error;
                      if (++bad <= kMessages) messages.emplace_back(error.what());
                    });
  check_bad_share(bad, rows, bad_records, messages);
  if (names.empty())
    throw DataError("list: expected rows of split '" + config.split +
                    "' and of classes that class_filter keeps, got none in " + config.path +
                    "; correct split or class_filter" +
                    (messages.empty() ? "" : "; left out: " + messages.front()));
  auto images =
      std::make_shared<ManifestImages>(fs::path(config.path).parent_path(), ClassTable(names, {}), decode);
  manifest.each([&](const std::string& path, const std::string& label, Flag is_query,
                    Flag is_gallery) { images->add_row(path, label, is_query, is_gallery); },
                [](const DataError&) {});
  images->leave_out(manifest.unread());
  if (bad > 0) {
    LeftOut rows_left_out;
    rows_left_out.add("row|rows of a list in error (on_bad_record: skip); correct the list", messages.front(),
                      bad);
    images->leave_out(rows_left_out);
  }
  return images;
}

}  // namespace lodestone::sampler
