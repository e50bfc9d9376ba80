#include <array>
#include <filesystem>
#include <optional>

#include "common/error.h"
#include "common/files.h"
#include "sampler/image_files.h"
#include "sampler/image_source.h"
#include "sampler/path_patterns.h"
#include "sampler/table_file.h"

namespace lodestone {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxListBytes = uint64_t{16} << 30;
enum Column { kPath, kLabel, kSplit, kIsQuery, kIsGallery, kColumns };
constexpr std::array<std::string_view, kColumns> kNames{"path", "label", "split", "is_query", "is_gallery"};

/// Pictures that a list names, with their parts in retrieval.
class ManifestImages : public ImageFiles {
 public:
  using ImageFiles::ImageFiles;

  void add_row(std::string_view path, const std::string& label, bool is_query, bool is_gallery) {
    add_file(path, label);
    queries_.push_back(is_query);
    gallery_.push_back(is_gallery);
  }
  bool is_query(int64_t i) const override { return queries_.at(static_cast<size_t>(i)); }
  bool is_gallery(int64_t i) const override { return gallery_.at(static_cast<size_t>(i)); }

 private:
  std::vector<bool> queries_, gallery_;
};

/// The rows of a manifest whose split and class are wanted.
class Manifest {
 public:
  Manifest(const ImageSourceConfig& config, std::string text)
      : config_(config),
        text_(std::move(text)),
        separator_(fs::path(config.path).extension() == ".csv" ? ',' : '\t') {}

  /// Calls visit(path, label, is_query, is_gallery) for each.
  template <typename Visit>
  void each(const Visit& visit) const {
    TableReader reader(text_, separator_, config_.path);
    std::vector<std::string> fields;
    const auto columns = read_header(reader, fields);
    const size_t width = fields.size();
    while (reader.next(fields)) {
      if (fields.size() != width)
        refuse(reader, std::to_string(width) + " columns as in the header", std::to_string(fields.size()));
      const auto field = [&](Column c) { return columns[c] ? fields[*columns[c]] : std::string(); };
      if (!config_.split.empty() && field(kSplit) != config_.split) continue;
      const std::string label = field(kLabel);
      if (label.empty()) refuse(reader, "a label", "an empty one");
      if (!passes_filter(label, config_.class_filter)) continue;
      const std::string path = field(kPath);
      if (!stays_below(path)) refuse(reader, "a path below the manifest's folder", "'" + path + "'");
      visit(fs::path(path).lexically_normal().generic_string(), label,
            !columns[kIsQuery] || flag(reader, kIsQuery, field(kIsQuery)),
            !columns[kIsGallery] || flag(reader, kIsGallery, field(kIsGallery)));
    }
  }

 private:
  using Columns = std::array<std::optional<size_t>, kColumns>;

  [[noreturn]] void refuse(const TableReader& reader, const std::string& expected,
                           const std::string& got) const {
    throw DataError("manifest: expected " + expected + ", got " + got + " at " + config_.path + ":" +
                    std::to_string(reader.line()) + "; correct or remove the row");
  }

  Columns read_header(TableReader& reader, std::vector<std::string>& fields) const {
    Columns columns;
    reader.next(fields);
    for (size_t f = 0; f < fields.size(); ++f)
      for (size_t c = 0; c < kColumns; ++c)
        if (fields[f] == kNames[c]) {
          if (columns[c]) refuse(reader, "each column once", "'" + fields[f] + "' twice");
          columns[c] = f;
        }
    if (!columns[kPath] || !columns[kLabel])
      refuse(reader, "a header with the columns path and label (and, if wanted, split, is_query, is_gallery)",
             fields.empty() ? "an empty file" : "'" + fields.front() + "' and what follows it");
    if (!config_.split.empty() && !columns[kSplit])
      refuse(reader, "a column split, since the configuration asks for split '" + config_.split + "'",
             "none");
    return columns;
  }

  bool flag(const TableReader& reader, Column column, const std::string& value) const {
    if (value == "1" || value == "true" || value == "True") return true;
    if (value == "0" || value == "false" || value == "False") return false;
    refuse(reader, "1 or 0 in the column " + std::string(kNames[column]), "'" + value + "'");
  }

  const ImageSourceConfig& config_;
  std::string text_;
  char separator_;
};

}  // namespace

std::shared_ptr<const ImageDataset> open_image_manifest(const ImageSourceConfig& config,
                                                        const DecodeOptions& decode) {
  std::string text;
  try {
    text = read_file(config.path, kMaxListBytes);
  } catch (const IoError&) {
    std::throw_with_nested(DataError("manifest: cannot read " + config.path + "; check the path"));
  }
  const Manifest manifest(config, std::move(text));
  std::set<std::string> names;
  manifest.each([&](const std::string&, const std::string& label, bool, bool) { names.insert(label); });
  if (names.empty())
    throw DataError("manifest: expected rows of split '" + config.split +
                    "' and of classes that class_filter keeps, got none in " + config.path +
                    "; correct split or class_filter");
  auto images =
      std::make_shared<ManifestImages>(fs::path(config.path).parent_path(), ClassTable(names, {}), decode);
  manifest.each([&](const std::string& path, const std::string& label, bool is_query, bool is_gallery) {
    images->add_row(path, label, is_query, is_gallery);
  });
  return images;
}

}  // namespace lodestone
