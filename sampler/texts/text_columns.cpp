#include "sampler/texts/text_columns.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/utf8.h"

namespace lodestone {

namespace {

using Json = nlohmann::json;

/// One column of a format: the names it may have.
struct Role {
  std::vector<const char*> names;
  bool needed = true;
};

const std::vector<Role>& roles_of(const std::string& format) {
  static const std::vector<Role> labels = {{{"text", "sentence"}}, {{"label"}}};
  static const std::vector<Role> pairs = {{{"sentence1", "anchor", "query", "question"}},
                                          {{"sentence2", "positive", "answer"}},
                                          {{"score", "label"}, false}};
  static const std::vector<Role> triplets = {{{"anchor", "query"}}, {{"positive"}}, {{"negative"}}};
  static const std::vector<Role> queries = {{{"query", "anchor", "question"}}, {{"positive", "answer"}}};
  static const std::vector<Role> texts = {{{"text", "sentence"}}};
  static const std::vector<Role> captions = {{{"caption", "text", "title"}}, {{"path", "image", "filepath"}}};
  if (format == "pairs") return pairs;
  if (format == "triplets") return triplets;
  if (format == "texts") return texts;
  if (format == "captions") return captions;
  return format == "queries" ? queries : labels;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name.substr(0, 40);
  return text;
}

/// The usual names among those present; empty if a needed one is missing.
std::vector<std::string> usual_names(const std::string& format, const std::vector<std::string>& present) {
  std::vector<std::string> found;
  for (const Role& role : roles_of(format)) {
    const auto name = std::find_if(role.names.begin(), role.names.end(),
                                   [&](const char* one) { return has(present, one); });
    if (name != role.names.end())
      found.emplace_back(*name);
    else if (role.needed)
      return {};
  }
  if (format != "queries") return found;
  if (has(present, "negative")) found.emplace_back("negative");
  for (int n = 1; has(present, "negative_" + std::to_string(n)); ++n)
    found.push_back("negative_" + std::to_string(n));
  if (has(present, "negatives")) found.emplace_back("negatives");
  return found;
}

// Whether more columns may follow those that have roles.
bool is_open(const std::string& format) {
  return format == "queries" || format == "texts";
}

void check_count(const TextLayout& layout) {
  const size_t count = layout.columns.size();
  const size_t most = roles_of(layout.format).size();
  const size_t least = layout.format == "pairs" ? 2 : most;
  if (count == 0 || (count >= least && (count <= most || is_open(layout.format)))) return;
  throw ConfigError("columns: expected " + std::to_string(least) +
                    (is_open(layout.format) ? " or more"
                     : most > least         ? " or " + std::to_string(most)
                                            : "") +
                    " names for the format " + layout.format + ", got " + std::to_string(count));
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

TextColumns::TextColumns(const PositionedFile& file, RecordSyntax syntax, const TextLayout& layout)
    : syntax_(syntax), layout_(layout) {
  check_count(layout);
  RecordReader reader(file, syntax);
  try {
    if (!reader.next()) throw DataError("expected records, got none");
    if (syntax == RecordSyntax::kJsonLines) {
      std::vector<std::string> present;
      const Json object = parse_object(reader.record());
      for (const auto& [key, value] : object.items()) present.push_back(key);
      if (!find_names(present))
        throw DataError("expected the keys of " + layout.format + ", got " + listed(present));
    } else {
      place(split(reader.record(), syntax));
    }
  } catch (const DataError& error) {
    throw DataError(std::string("texts: ") + error.what() + " at " + file.path() + ":" +
                    std::to_string(reader.line()) + "; correct the file, or say its columns and format");
  }
}

bool TextColumns::find_names(const std::vector<std::string>& present) {
  keys_ = layout_.columns.empty() ? usual_names(layout_.format, present) : layout_.columns;
  return !keys_.empty() &&
         std::all_of(keys_.begin(), keys_.end(), [&](const auto& key) { return has(present, key); });
}

void TextColumns::place(const std::vector<std::string>& first) {
  if (layout_.header != "no" && find_names(first)) {
    has_header_ = true;
    for (const std::string& key : keys_)
      positions_.push_back(static_cast<size_t>(std::find(first.begin(), first.end(), key) - first.begin()));
    return;
  }
  if (layout_.header == "yes")
    throw DataError("expected a header with the columns of " + layout_.format + ", got " + listed(first));
  for (const std::string& name : layout_.columns) {
    const auto number = number_of(name);
    if (!number) throw DataError("expected a header with the column '" + name + "', got " + listed(first));
    positions_.push_back(*number - 1);
  }
  if (!positions_.empty()) return;
  const size_t wanted = roles_of(layout_.format).size();
  const size_t least = layout_.format == "pairs" ? 2 : wanted;
  if (first.size() < least)
    throw DataError("expected " + std::to_string(least) + " columns, got " + std::to_string(first.size()));
  const size_t taken = is_open(layout_.format) ? first.size() : std::min(first.size(), wanted);
  for (size_t c = 0; c < taken; ++c) positions_.push_back(c);
  if (layout_.format == "captions") positions_ = {1, 0};  // manifests begin with the path
}

std::vector<std::string> TextColumns::values(const std::string& record) const {
  std::vector<std::string> found;
  if (syntax_ == RecordSyntax::kJsonLines) {
    found = values_of_json(record);
  } else {
    std::vector<std::string> columns = split(record, syntax_);
    for (const size_t position : positions_) {
      if (position >= columns.size() && is_open(layout_.format) &&
          found.size() >= roles_of(layout_.format).size())
        break;
      if (position >= columns.size())
        throw DataError("expected at least " + std::to_string(position + 1) + " columns, got " +
                        std::to_string(columns.size()));
      found.push_back(columns[position]);
    }
  }
  // Tables have empty cells where a row has fewer texts than others.
  const size_t needed = roles_of(layout_.format).size();
  while (is_open(layout_.format) && found.size() > needed && found.back().empty()) found.pop_back();
  for (const std::string& value : found) {
    if (value.empty()) throw DataError("expected no empty column, got one");
    if (!is_utf8(value)) throw DataError("expected UTF-8, got other bytes");
  }
  return found;
}

std::vector<std::string> TextColumns::values_of_json(const std::string& record) const {
  const Json object = parse_object(record);
  std::vector<std::string> found;
  const auto add = [&found](const Json& value, const std::string& key) {
    if (value.is_string())
      found.push_back(value.get<std::string>());
    else if (value.is_number() || value.is_boolean())
      found.push_back(value.dump());
    else
      throw DataError("expected a string or a number as '" + key + "', got " + value.type_name());
  };
  for (const std::string& key : keys_) {
    const auto value = object.find(key);
    if (value == object.end()) throw DataError("expected the key '" + key + "', got none");
    if (value->is_array() && layout_.format == "queries" && key == keys_.back())
      for (const Json& item : *value) add(item, key);
    else
      add(*value, key);
  }
  return found;
}

std::vector<std::string> TextColumns::split(const std::string& record, RecordSyntax syntax) {
  const char separator = syntax == RecordSyntax::kCommas ? ',' : '\t';
  std::vector<std::string> columns(1);
  bool quoted = false, closed = false;
  for (size_t at = 0; at < record.size(); ++at) {
    const char byte = record[at];
    if (quoted && byte == '"' && at + 1 < record.size() && record[at + 1] == '"') {
      columns.back().push_back(record[++at]);
    } else if (quoted && byte == '"') {
      quoted = false;
      closed = true;
    } else if (!quoted && byte == separator) {
      columns.emplace_back();
      closed = false;
    } else if (syntax == RecordSyntax::kCommas && byte == '"' && columns.back().empty() && !closed &&
               !quoted) {
      quoted = true;
    } else if (closed) {
      throw DataError("expected a comma behind a closing quote, got another character");
    } else {
      columns.back().push_back(byte);
    }
  }
  if (quoted) throw DataError("expected a closing quote, got the end of the record");
  return columns;
}

}  // namespace lodestone
