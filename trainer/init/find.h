#pragma once

#include <span>
#include <string>

#include "trainer/init/finding.h"
#include "trainer/init/place.h"

namespace lodestone::init {

/// A row of the table of findings: a way in which data are stored.
struct FindingRow {
  const char* name;
  /// Whether the data at a place are stored this way. Reads names, and at most the head of a file.
  bool (*is_there)(const Place& place);
  /// Throws    DataError saying what was found and what to do, if they cannot be used
  Finding (*find)(const Place& place);
};

/// All ways, the first that is there counts. trainer/init/find.cpp has one row for each.
std::span<const FindingRow> finding_table();

/// What lies at `path`.
/// Throws    DataError if it is nothing that can be trained on: what was found, and what to do
Finding find(const std::string& path);

// The rows' functions.
bool has_shards(const Place& place);
Finding find_shards(const Place& place);
bool has_tables(const Place& place);
Finding find_tables(const Place& place);
/// Adds to `others` the tables of a folder that is read for its class folders.
void note_tables(const Place& place, std::vector<std::string>& others);
bool has_idx(const Place& place);
Finding find_idx(const Place& place);
bool has_class_folders(const Place& place);
Finding find_class_folders(const Place& place);

}  // namespace lodestone::init
