#include "trainer/init/table_sample.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "common/utf8.h"
#include "sampler/files/column_name.h"
#include "sampler/files/positioned_file.h"
#include "sampler/files/record_reader.h"
#include "sampler/sources/image_files.h"
#include "sampler/texts/semicolons.h"
#include "trainer/init/column_words.h"

namespace lodestone::init {

namespace {

using Row = std::vector<std::string>;

constexpr int64_t kPlaces = 25;
constexpr int64_t kRowsOfPlace = 100;
constexpr size_t kExamples = 50;

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

/// Counts the values of one column.
class ColumnCounter {
 public:
  void add(const std::string& value, bool is_list = false) {
    if (is_blank(value)) return;
    ++column_.values;
    column_.lists += is_list ? 1 : 0;
    column_.characters += static_cast<double>(value.size());
    column_.images += sampler::has_image_ending(value) ? 1 : 0;
    if (seen_.insert(value).second && column_.examples.size() < kExamples) column_.examples.push_back(value);
    if (const auto number = number_of(value)) add_number(*number);
  }

  Column column(std::string name) {
    column_.name = std::move(name);
    column_.distinct = static_cast<int64_t>(seen_.size());
    if (column_.values > 0) column_.characters /= static_cast<double>(column_.values);
    return std::move(column_);
  }

 private:
  void add_number(double number) {
    column_.lowest = column_.numbers == 0 ? number : std::min(column_.lowest, number);
    column_.highest = column_.numbers == 0 ? number : std::max(column_.highest, number);
    ++column_.numbers;
    column_.integers += number == std::floor(number) ? 1 : 0;
  }

  Column column_;
  std::set<std::string> seen_;
};

// The columns of records at places all over the file. Except at its beginning, the first record is cut.
std::vector<Row> read_rows(const sampler::PositionedFile& file, sampler::RecordSyntax syntax) {
  std::vector<Row> rows;
  const int64_t stride = std::max<int64_t>(1, file.size() / kPlaces);
  int64_t read_to = 0;
  for (int64_t place = 0; place < file.size(); place += stride) {
    if (place < read_to) continue;
    sampler::RecordReader reader(file, syntax, place == 0, place, 1 << 16);
    if (place > 0 && !reader.next()) break;
    for (int64_t n = 0; n < kRowsOfPlace && reader.next(); ++n) {
      if (reader.problem().empty()) rows.push_back(reader.columns());
      read_to = reader.offset() + 1;
    }
  }
  return rows;
}

// A first row is a header if it has words for columns, or no number (or image) where all other rows have one.
bool is_header(const std::vector<Row>& rows) {
  const Row& first = rows.front();
  if (std::ranges::any_of(first, [](const std::string& cell) { return sampler::has_image_ending(cell); }))
    return false;
  if (std::ranges::any_of(first, is_column_word)) return true;
  for (size_t c = 0; c < first.size(); ++c) {
    const auto is_number = [c](const Row& row) { return c < row.size() && number_of(row[c]).has_value(); };
    const auto is_image = [c](const Row& row) { return c < row.size() && sampler::has_image_ending(row[c]); };
    if (rows.size() < 3) break;
    if (!is_number(first) && std::all_of(rows.begin() + 1, rows.end(), is_number)) return true;
    if (!is_image(first) && std::all_of(rows.begin() + 1, rows.end(), is_image)) return true;
  }
  return false;
}

// Whether nearly all rows are one column, which semicolons divide.
bool has_semicolons(const std::vector<Row>& rows) {
  constexpr double kNearlyAll = 0.9;
  const auto count = std::ranges::count_if(rows, [](const Row& row) {
    return row.size() == 1 && sampler::split_at_semicolons(row.front()).size() > 1;
  });
  return static_cast<double>(count) > kNearlyAll * static_cast<double>(rows.size());
}

std::vector<std::string> header_of(const TableSample& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  return names;
}

TableSample of_rows(std::vector<Row> rows) {
  TableSample table;
  table.has_header = is_header(rows);
  const Row header = rows.front();
  if (table.has_header) rows.erase(rows.begin());
  for (size_t c = 0; c < header.size(); ++c) {
    ColumnCounter counter;
    for (const Row& row : rows)
      if (c < row.size()) counter.add(row[c]);
    table.columns.push_back(counter.column(table.has_header ? header[c] : std::to_string(c + 1)));
  }
  table.rows = static_cast<int64_t>(rows.size());
  return table;
}

TableSample of_json(const std::vector<Row>& rows) {
  TableSample table;
  table.is_json = true;
  std::vector<std::string> keys;
  std::vector<ColumnCounter> counters;
  for (const Row& row : rows) {
    const auto object = read_json(row.front());
    if (!object || !object->is_object()) continue;
    ++table.rows;
    for (const auto& [key, value] : object->items()) {
      const auto at = static_cast<size_t>(std::ranges::find(keys, key) - keys.begin());
      if (at == keys.size()) {
        keys.push_back(key);
        counters.emplace_back();
      }
      counters[at].add(value.is_string() ? value.get<std::string>() : json_text(value), value.is_array());
    }
  }
  for (size_t c = 0; c < keys.size(); ++c) table.columns.push_back(counters[c].column(keys[c]));
  return table;
}

}  // namespace

const Column* TableSample::named(const std::vector<const char*>& names) const {
  for (const char* name : names)
    for (const Column& column : columns)
      if (sampler::same_column(column.name, name)) return &column;
  return nullptr;
}

TableSample sample_table(const std::string& path) {
  const sampler::PositionedFile file(path);
  const sampler::RecordSyntax syntax = sampler::syntax_of(path);
  std::vector<Row> rows = read_rows(file, syntax);
  if (rows.empty())
    throw DataError("init: expected rows in " + printable(path) +
                    ", got none that can be read; correct the file");
  if (syntax == sampler::RecordSyntax::kCommas && has_semicolons(rows))
    throw DataError("init: " + printable(path) + ": " + sampler::kSemicolons);
  TableSample table = syntax == sampler::RecordSyntax::kJsonLines ? of_json(rows) : of_rows(std::move(rows));
  table.path = path;
  if (table.rows == 0 && !table.is_json)
    throw DataError("init: expected rows below the header in " + printable(path) +
                    ", got the header alone (" + printable(joined(header_of(table))) + "); add rows");
  if (table.rows == 0)
    throw DataError("init: expected one JSON object a line in " + printable(path) +
                    ", got none; if it is one list, convert it with: jq -c '.[]' FILE.json > FILE.jsonl");
  return table;
}

}  // namespace lodestone::init
