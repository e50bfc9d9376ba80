#include "sampler/sources/tuples.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/error.h"
#include "common/utf8.h"
#include "sampler/files/path_patterns.h"
#include "sampler/files/positioned_file.h"
#include "sampler/files/record_reader.h"
#include "sampler/sources/listed_images.h"
#include "sampler/sources/tuple_part.h"

namespace lodestone::sampler {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMessages = 20;

struct Line {
  std::string fields[3];
  size_t columns = 0;
  int64_t number = 0;
  std::string problem;  // if it cannot be read
};

/// A line that is no tuple.
class BadLine : public DataError {
  using DataError::DataError;
};

[[noreturn]] void refuse(const std::string& path, int64_t line, const std::string& expected,
                         const std::string& got) {
  throw BadLine("tuples: expected " + expected + ", got " + got + " at " + path + ":" + std::to_string(line) +
                "; correct or remove the line");
}

std::vector<Line> split_lines(const std::string& path) {
  const PositionedFile file(path);
  const RecordSyntax syntax = syntax_of(path);
  RecordReader reader(file, syntax == RecordSyntax::kCommas ? syntax : RecordSyntax::kTabs);
  std::vector<Line> lines;
  while (reader.next()) {
    const std::vector<std::string>& columns = reader.columns();
    if (columns.front().starts_with('#')) continue;
    Line line{{}, columns.size(), reader.line(), reader.problem()};
    for (size_t c = 0; c < std::min<size_t>(columns.size(), 3); ++c) line.fields[c] = columns[c];
    lines.push_back(std::move(line));
  }
  if (lines.empty()) throw DataError("tuples: expected pairs or triplets, got none in " + path);
  return lines;
}

// The number of the image that a field names.
int64_t image(ListedImages& images, const std::string& list, const std::string& field, int64_t line) {
  if (!is_list_entry(field)) refuse(list, line, "a path below the list's folder", name_in_quotes(field));
  const auto index = images.index(field);
  if (!index)
    refuse(list, line, "an image",
           "'" + field + "', which is missing" +
               (ImageName::of(field).member ? " or has no class in its shard" : ""));
  return *index;
}

// Whether a line is in the part. One that is no tuple is, so that tuple_of() reports it.
bool in_part(const Line& line, bool pairs, const TuplePart& part, const std::string& list) {
  if (part.is_whole() || !line.problem.empty() || line.columns != 3) return true;
  return std::all_of(line.fields, line.fields + (pairs ? 2 : 3), [&](const std::string& field) {
    if (!part.knows(field))
      refuse(list, line.number, "an image in a class folder, which decides its part", name_in_quotes(field));
    return part.has(field);
  });
}

bool is_label(std::string_view field) {
  return field == "0" || field == "1";
}

Tuple tuple_of(const Line& line, bool pairs, ListedImages& images, const std::string& path) {
  if (!line.problem.empty())
    throw BadLine("tuples: " + line.problem + " at " + path + ":" + std::to_string(line.number) +
                  "; correct or remove the line");
  if (line.columns != 3) refuse(path, line.number, "3 columns", std::to_string(line.columns));
  Tuple tuple;
  tuple.anchor = image(images, path, line.fields[0], line.number);
  tuple.other = image(images, path, line.fields[1], line.number);
  if (pairs != is_label(line.fields[2]))
    refuse(path, line.number, pairs ? "0 or 1 in the third column" : "an image in the third column",
           "'" + line.fields[2] + "'");
  if (pairs) {
    tuple.same = line.fields[2] == "1";
    return tuple;
  }
  tuple.negative = image(images, path, line.fields[2], line.number);
  if (tuple.negative == tuple.other || tuple.negative == tuple.anchor)
    refuse(path, line.number, "a negative that is neither anchor nor positive", "'" + line.fields[2] + "'");
  return tuple;
}

}  // namespace

bool is_tuple_column(std::string_view name) {
  return !name.empty() && name.find_first_of("\t\r\n") == std::string_view::npos && !name.starts_with('#') &&
         !name.starts_with(kUtf8Mark) && !is_label(name);
}

TupleSet read_tuples(const std::string& path, const DecodeOptions& decode, const IndexCache& index_cache,
                     const BadRecordConfig& bad_records) {
  return read_tuples(path, decode, index_cache, bad_records, DataPart());
}

TupleSet read_tuples(const std::string& path, const DecodeOptions& decode, const IndexCache& index_cache,
                     const BadRecordConfig& bad_records, const DataPart& part) {
  const std::vector<Line> lines = split_lines(path);
  const auto sound = std::ranges::find(lines, size_t{3}, &Line::columns);
  const bool pairs = sound != lines.end() && is_label(sound->fields[2]);
  ListedImages images(fs::path(path).parent_path(), index_cache);
  TupleSet set;
  set.images_per_tuple = pairs ? 2 : 3;
  const TuplePart wanted(path, part);
  for (const Line& line : lines) {
    try {
      if (!in_part(line, pairs, wanted, path)) continue;
      const Tuple tuple = tuple_of(line, pairs, images, path);
      if (pairs && !tuple.same && tuple.anchor == tuple.other)
        set.left_out.add("pair|pairs of an image with itself labelled 0; remove them or correct their label",
                         path + ":" + std::to_string(line.number));
      else
        set.tuples.push_back(tuple);
    } catch (const BadLine& error) {
      if (!bad_records.skips()) throw;
      if (++set.bad <= static_cast<int64_t>(kMessages)) set.messages.emplace_back(error.what());
    }
  }
  check_bad_share(set.bad, static_cast<int64_t>(lines.size()), bad_records, set.messages);
  if (set.tuples.empty())
    throw DataError("tuples: expected pairs or triplets" +
                    std::string(part.is_whole() ? "" : " in this part") + ", got none that can be used in " +
                    path + set.left_out.clause());
  set.images = std::move(images).open(decode);
  return set;
}

}  // namespace lodestone::sampler
