#include "sampler/texts/text_columns.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/error.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/printable.h"
#include "common/utf8.h"
#include "sampler/files/column_name.h"
#include "sampler/texts/semicolons.h"
#include "sampler/texts/text_roles.h"

namespace lodestone::sampler {

namespace {

using Json = nlohmann::json;

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The name among `present` that means the column `name`, the same spelling before others; null if none does.
const std::string* find_name(const std::vector<std::string>& present, const std::string& name) {
  auto found = std::ranges::find(present, name);
  if (found == present.end())
    found = std::ranges::find_if(present, [&](const std::string& one) { return same_column(one, name); });
  return found == present.end() ? nullptr : &*found;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 20;
  std::string text;
  for (size_t n = 0; n < std::min(kMost, names.size()); ++n)
    text += (n == 0 ? "" : ", ") + (names[n].empty() ? "(no name)" : printable(names[n].substr(0, 40)));
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

/// Names in `columns` that a file does not have: "nope, nix".
std::string lacking(const std::vector<std::string>& columns, const std::vector<std::string>& present) {
  std::vector<std::string> absent;
  std::ranges::copy_if(columns, std::back_inserter(absent),
                       [&](const std::string& name) { return find_name(present, name) == nullptr; });
  return listed(absent);
}

/// The usual names that are present, as they are spelled there; empty if a required one is missing.
std::vector<std::string> usual_names(TextFormat format, const std::vector<std::string>& present) {
  std::vector<std::string> found;
  for (const Role& role : roles_of(format)) {
    const std::string* name = nullptr;
    for (const char* one : role.names)
      if (name = find_name(present, one); name != nullptr) break;
    if (name != nullptr)
      found.push_back(*name);
    else if (role.needed)
      return {};
  }
  if (format != TextFormat::kQueries) return found;
  const auto add = [&](const std::string& one) {
    const std::string* name = find_name(present, one);
    if (name != nullptr) found.push_back(*name);
    return name != nullptr;
  };
  add("negative");
  for (int n = 1; add("negative_" + std::to_string(n)); ++n) continue;
  add("negatives");
  return found;
}

// A first row with one of the expected names is hardly a row of data.
void refuse_half_a_header(const TextLayout& layout, SetBy set_by, const std::vector<std::string>& first) {
  for (const Role& role : roles_of(layout.format))
    for (const char* name : role.names)
      if (const std::string* found = find_name(first, name))
        throw DataError("expected the columns of the format " + name_of(layout.format) +
                        " or rows without a header, got a first row with " + listed(first) +
                        (set_by == SetBy::kOption ? "; name the columns, as in --columns " + printable(*found)
                                                  : "; name the columns in data.text.columns, or set "
                                                    "data.text.header: no if it is data"));
}

// One column that semicolons divide, where several are read, or into names of columns.
void refuse_semicolons(const TextLayout& layout, RecordSyntax syntax, const std::vector<std::string>& first) {
  if (syntax != RecordSyntax::kCommas || first.size() != 1) return;
  const std::vector<std::string> cells = split_at_semicolons(first.front());
  const bool names = layout.columns.empty() ? !usual_names(layout.format, cells).empty()
                                            : lacking(layout.columns, cells).empty();
  const bool several = least_columns(layout.format) > 1 || layout.columns.size() > 1;
  if (cells.size() > 1 && (several || names)) throw DataError(kSemicolons);
}

[[noreturn]] void refuse_unread(TextFormat format, const std::vector<std::string>& unread,
                                const std::string& next) {
  throw DataError("expected columns that the format " + name_of(format) + " reads, got " + listed(unread) +
                  " too; " + next);
}

void check_count(const TextLayout& layout) {
  const size_t count = layout.columns.size();
  const size_t most = roles_of(layout.format).size();
  const size_t least = least_columns(layout.format);
  if (count == 0 || (count >= least && (count <= most || is_open(layout.format)))) return;
  throw ConfigError("columns: expected " + std::to_string(least) +
                    (is_open(layout.format) ? " or more"
                     : most > least         ? " or " + std::to_string(most)
                                            : "") +
                    " names for the format " + name_of(layout.format) + ", got " + std::to_string(count));
}

std::optional<size_t> number_of(const std::string& name) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 1 || number > 100000) return {};
  return number;
}

Json parse_object(const std::string& record) {
  Json object;
  try {
    object = parse_json(record, "JSON lines");
  } catch (const CheckpointError& error) {
    throw DataError(error.what());
  }
  if (!object.is_object()) throw DataError(std::string("expected a JSON object, got ") + object.type_name());
  return object;
}

}  // namespace

std::string text_error(const std::string& file, int64_t line, const std::string& error) {
  return "texts: " + file + ":" + std::to_string(line) + ": " + error;
}

std::string text_error(const std::string& file, int64_t line, const std::string& error,
                       const std::string& next) {
  return text_error(file, line, error) + (error.find("; ") == std::string::npos ? "; " + next : "");
}

TextColumns::TextColumns(const PositionedFile& file, RecordSyntax syntax, const TextLayout& layout,
                         SetBy set_by)
    : syntax_(syntax), layout_(layout), set_by_(set_by), file_(file.path()) {
  check_count(layout);
  RecordReader reader(file, syntax, layout.multiline);
  try {
    if (!reader.next()) throw DataError("expected records, got none");
    refuse_problem(reader);
    if (syntax != RecordSyntax::kJsonLines) {
      place(reader.columns());
      return;
    }
    std::vector<std::string> present;
    const Json object = parse_object(reader.columns().front());
    for (const auto& [key, value] : object.items()) present.push_back(key);
    if (!find_names(present) && layout.columns.empty())
      throw DataError("expected the keys of " + name_of(layout.format) + ", got " + listed(present));
    if (!lacking(layout_.columns, present).empty())
      throw DataError("expected all the keys that `columns` names, got none named " +
                      lacking(layout.columns, present) + " in " + listed(present));
    take_others(present);
  } catch (const DataError& error) {
    throw DataError(text_error(file.path(), reader.line(), error.what(),
                               set_by == SetBy::kOption ? "correct the file, or give --columns"
                                                        : "correct the file, or set its columns and format"));
  }
}

bool TextColumns::find_names(const std::vector<std::string>& present) {
  if (layout_.columns.empty()) {
    keys_ = usual_names(layout_.format, present);
    return !keys_.empty();
  }
  keys_.clear();
  for (const std::string& column : layout_.columns)
    if (const std::string* name = find_name(present, column)) keys_.push_back(*name);
  return keys_.size() == layout_.columns.size();
}

// Whether a header spells a column's name as it was asked for; other spellings are then other columns.
bool TextColumns::as_asked(const std::string& key) const {
  if (!layout_.columns.empty()) return has(layout_.columns, key);
  return std::ranges::none_of(key, [](unsigned char c) { return std::isupper(c) || std::isspace(c); });
}

// A second column of the same name, and columns that nothing reads unless `columns` selects what is read.
void TextColumns::take_others(const std::vector<std::string>& present) {
  for (const std::string& key : keys_) {
    const bool exact = as_asked(key);
    std::vector<std::string> same;
    std::ranges::copy_if(present, std::back_inserter(same), [&](const std::string& name) {
      return exact ? name == key : same_column(name, key);
    });
    if (same.size() > 1)
      throw DataError("expected each column once, got " + listed(same) + "; rename or remove all but one");
  }
  std::vector<std::string> others;
  std::ranges::copy_if(present, std::back_inserter(others),
                       [&](const std::string& name) { return !has(keys_, name); });
  refuse_others(others);
  if (layout_.other_columns == OtherColumns::kIgnore && !others.empty())
    left_out_.add("column|columns that nothing reads: " + listed(others), file_,
                  static_cast<int64_t>(others.size()));
}

void TextColumns::refuse_others(const std::vector<std::string>& others) const {
  if (!layout_.columns.empty() || others.empty()) return;
  // Called for every key of a JSON row that nothing reads: a message is made only to be thrown.
  const auto alone = [this] { return "set columns: [" + listed(keys_) + "] to read these alone"; };
  if (layout_.other_columns == OtherColumns::kRefuse)
    refuse_unread(layout_.format, others,
                  set_by_ == SetBy::kOption
                      ? "read some alone with --columns " + listed(keys_)
                      : alone() + ", or other_columns: ignore, in data.text or evaluate.text");
  if (!layout_.refuse_roles) return;
  for (const std::string& name : others)
    if (has_role(layout_.format, name)) refuse_unread(layout_.format, {name}, alone());
}

void TextColumns::place(const std::vector<std::string>& first) {
  width_ = first.size();
  refuse_semicolons(layout_, syntax_, first);
  if (layout_.header != AutoYesNo::kNo && syntax_ != RecordSyntax::kLines && find_names(first)) {
    has_header_ = true;
    take_others(first);
    for (const std::string& key : keys_)
      positions_.push_back(static_cast<size_t>(std::find(first.begin(), first.end(), key) - first.begin()));
    return;
  }
  const bool names_some =
      std::ranges::any_of(layout_.columns, [](const std::string& name) { return !number_of(name); });
  if (!names_some && layout_.header == AutoYesNo::kAuto && syntax_ != RecordSyntax::kLines)
    refuse_half_a_header(layout_, set_by_, first);
  if (!names_some && layout_.header == AutoYesNo::kYes)
    throw DataError("expected a header with the columns of " + name_of(layout_.format) + ", got " +
                    listed(first));
  take_by_number(first);
  if (positions_.empty()) take_from_the_left(first.size());
}

// Names that are not numbers refer to a header, which this file does not have, or not with all of them.
void TextColumns::take_by_number(const std::vector<std::string>& first) {
  for (const std::string& name : layout_.columns) {
    const auto number = number_of(name);
    if (!number && layout_.header == AutoYesNo::kNo)
      throw DataError("expected numbers in `columns`, since `header` is no, got '" + printable(name) + "'");
    if (!number)
      throw DataError("expected a header with all that `columns` names, got none named " +
                      lacking(layout_.columns, first) + " in " + listed(first));
    positions_.push_back(*number - 1);
  }
}

void TextColumns::take_from_the_left(size_t present) {
  const size_t least = least_columns(layout_.format), most = roles_of(layout_.format).size();
  const bool lines = syntax_ == RecordSyntax::kLines;
  if (present < least)
    throw DataError("expected " + counted(static_cast<int64_t>(least), "column") + ", got " +
                    std::to_string(present) +
                    (lines ? ", since a .txt file is one text a line; name a table *.tsv or *.csv" : ""));
  if (present > most && !is_open(layout_.format))
    throw DataError("expected " + counted(static_cast<int64_t>(most), "column") + " in the format " +
                    name_of(layout_.format) + ", got " + std::to_string(present) +
                    "; name the columns to read, as in data.text.columns: [\"1\", \"2\"]");
  if (layout_.format == TextFormat::kQueries) width_ = 0;
  for (size_t c = 0; c < present; ++c) positions_.push_back(c);
  if (layout_.format == TextFormat::kCaptions) positions_ = {1, 0};  // manifests begin with the path
}

void TextColumns::refuse_problem(const RecordReader& reader) const {
  if (reader.problem().empty()) return;
  const bool perhaps_meant = reader.open_quote() && !layout_.multiline;
  throw DataError(reader.problem() +
                  (perhaps_meant ? " (texts with line breaks: set data.text.multiline: true)" : ""));
}

std::vector<std::string> TextColumns::values(const RecordReader& reader) const {
  refuse_problem(reader);
  std::vector<std::string> found = syntax_ == RecordSyntax::kJsonLines
                                       ? values_of_json(reader.columns().front())
                                       : values_of_table(reader.columns());
  // Tables have empty cells where a row has fewer texts than others.
  const size_t needed = roles_of(layout_.format).size();
  while (is_open(layout_.format) && found.size() > needed && is_blank(found.back())) found.pop_back();
  for (size_t v = 0; v < found.size(); ++v) {
    if (!is_utf8(found[v]))
      throw DataError("expected UTF-8" + column_of(v) +
                      ", got other bytes; convert the file, as iconv -f LATIN1 -t UTF-8 does");
    if (is_blank(found[v]))
      throw DataError("expected a text" + column_of(v) + ", got " +
                      (found[v].empty() ? "nothing" : "nothing but blanks (maybe of no width)"));
  }
  return found;
}

// Where the value `v` of a record is, for a message.
std::string TextColumns::column_of(size_t v) const {
  if (syntax_ == RecordSyntax::kLines) return "";
  if (!has_header_ && syntax_ != RecordSyntax::kJsonLines)
    return " in column " + std::to_string((v < positions_.size() ? positions_[v] : v) + 1);
  return (has_header_ ? " in the column '" : " under the key '") +
         printable(keys_[std::min(v, keys_.size() - 1)]) + "'";
}

std::vector<std::string> TextColumns::values_of_table(const std::vector<std::string>& columns) const {
  if (width_ > 0 && columns.size() > width_)
    throw DataError("expected at most " + counted(static_cast<int64_t>(width_), "column") +
                    " as in the first row, got " + std::to_string(columns.size()) + " (a " +
                    (syntax_ == RecordSyntax::kCommas ? "comma inside a text that is not in quotes"
                                                      : "tab inside a text") +
                    "?)");
  std::vector<std::string> found;
  for (const size_t position : positions_) {
    if (position >= columns.size() && is_open(layout_.format) &&
        found.size() >= roles_of(layout_.format).size())
      break;
    if (position >= columns.size())
      throw DataError("expected at least " + counted(static_cast<int64_t>(position) + 1, "column") +
                      ", got " + std::to_string(columns.size()));
    found.push_back(columns[position]);
  }
  if (width_ == 0)
    for (size_t c = positions_.size(); c < columns.size(); ++c) found.push_back(columns[c]);
  return found;
}

std::vector<std::string> TextColumns::values_of_json(const std::string& record) const {
  const Json object = parse_object(record);
  for (const auto& [key, value] : object.items())
    if (!has(keys_, key)) refuse_others({key});
  std::vector<std::string> found;
  const auto add = [&found](const Json& value, const std::string& key) {
    if (value.is_string())
      found.push_back(value.get<std::string>());
    else if (value.is_number() || value.is_boolean())
      found.push_back(json_text(value));
    else
      throw DataError("expected a string or a number as '" + key + "', got " + value.type_name());
  };
  for (const std::string& key : keys_) {
    const auto value = object.find(key);
    if (value == object.end()) throw DataError("expected the key '" + key + "', got none");
    if (value->is_array() && layout_.format == TextFormat::kQueries && key == keys_.back())
      for (const Json& item : *value) add(item, key);
    else
      add(*value, key);
  }
  return found;
}

}  // namespace lodestone::sampler
