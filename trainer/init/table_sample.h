#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lodestone::init {

/// A column of a table, or a key of JSON lines, from a sample of the rows.
struct Column {
  std::string name;    ///< of the header or key; without a header its number, from 1
  int64_t values = 0;  ///< that are not blank
  int64_t distinct = 0;
  int64_t numbers = 0;                ///< values that are numbers
  int64_t integers = 0;               ///< values that are whole numbers
  int64_t images = 0;                 ///< values that have an image's ending
  int64_t lists = 0;                  ///< values that are lists of texts (JSON lines)
  double lowest = 0, highest = 0;     ///< of the numbers
  double characters = 0;              ///< of a value, mean
  std::vector<std::string> examples;  ///< distinct values, the first 50

  bool is_number() const { return values > 0 && numbers == values; }
  bool is_image() const { return values > 0 && images == values; }
  bool is_label01() const { return is_number() && distinct == 2 && lowest == 0 && highest == 1; }
  /// Whether values repeat, as names of classes do.
  bool repeats() const { return distinct >= 2 && 2 * distinct <= values && !is_image(); }
  /// Rows are numbered by it.
  bool is_row_number() const { return integers == values && distinct == values; }
  /// Texts that are all or nearly all different.
  bool is_text() const { return values > 0 && !is_number() && !is_image() && lists == 0; }
};

/// A table from a sample of its rows.
struct TableSample {
  std::string path;  ///< of the file
  bool has_header = false;
  bool is_json = false;
  int64_t rows = 0;  ///< looked at
  std::vector<Column> columns;

  /// The column that one of these names means, without regard to case; null if there is none.
  const Column* named(const std::vector<const char*>& names) const;
};

/// Reads rows from the beginning and from places all over the file, which may be sorted by class.
/// Cost      2,500 rows
/// Throws    DataError naming the file if no row can be read
TableSample sample_table(const std::string& path);

}  // namespace lodestone::init
