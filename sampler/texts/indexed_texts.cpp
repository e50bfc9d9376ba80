#include "sampler/texts/indexed_texts.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "sampler/texts/disjoint_sets.h"

namespace lodestone::sampler {

namespace {

constexpr int kOffsetBits = 48;
constexpr size_t kMaxFiles = size_t{1} << (64 - kOffsetBits);
constexpr int64_t kChunk = 4096;  // most records are shorter
constexpr size_t kMaxRows = std::numeric_limits<uint32_t>::max();

}  // namespace

void IndexedTexts::add_file(std::string path, TextColumns columns) {
  if (files_.size() == kMaxFiles)
    throw DataError("texts: expected at most " + std::to_string(kMaxFiles) +
                    " files, got more; put some together");
  auto open = files_.size() < kFilesKeptOpen ? std::make_unique<PositionedFile>(path) : nullptr;
  files_.push_back({std::move(path), std::move(columns), std::move(open)});
}

void IndexedTexts::add_row(int64_t offset, int64_t line, const std::vector<std::string>& texts,
                           uint32_t label) {
  if (ids_.size() + texts.size() > kMaxRows || offset >= int64_t{1} << kOffsetBits)
    throw DataError("texts: expected at most 4294967295 texts, got more; train on a part of them");
  places_.push_back(uint64_t{files_.size() - 1} << kOffsetBits | static_cast<uint64_t>(offset));
  lines_.push_back(static_cast<uint32_t>(line));
  for (const std::string& text : texts) {
    ids_.push_back(sample_id(text));
    bytes_.push_back(
        static_cast<uint16_t>(std::min<size_t>(text.size(), std::numeric_limits<uint16_t>::max())));
  }
  if (kind_ == TextClasses::kNamed) labels_.push_back(label);
}

void IndexedTexts::finish(std::vector<std::string> names, const std::vector<uint32_t>& order,
                          LeftOut left_out) {
  names_ = std::move(names);
  left_out_ = std::move(left_out);
  std::vector<uint32_t> class_of(order.size());
  for (uint32_t c = 0; c < order.size(); ++c) class_of[order[c]] = c;
  for (uint32_t& label : labels_) label = class_of[label];
  places_.shrink_to_fit();
  lines_.shrink_to_fit();
  ids_.shrink_to_fit();
  bytes_.shrink_to_fit();
  labels_.shrink_to_fit();
  if (kind_ != TextClasses::kNamed) share_groups();
}

// Classes that share a text get one group, also when they are linked through other classes.
void IndexedTexts::share_groups() {
  std::vector<uint32_t> order(ids_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [this](uint32_t a, uint32_t b) { return std::pair(ids_[a], a) < std::pair(ids_[b], b); });
  DisjointSets sets(static_cast<size_t>(classes()));
  bool any = false;
  for (size_t n = 1; n < order.size(); ++n) {
    if (ids_[order[n]] != ids_[order[n - 1]]) continue;
    any |= sets.join(static_cast<uint32_t>(label(order[n - 1])), static_cast<uint32_t>(label(order[n])));
  }
  if (!any) return;
  // The smallest class of a group comes first, so groups can be numbered in one pass.
  uint32_t next = 0;
  groups_.resize(sets.size());
  for (uint32_t c = 0; c < sets.size(); ++c) {
    const uint32_t root = sets.root(c);
    groups_[c] = root == c ? next++ : groups_[root];
  }
}

int64_t IndexedTexts::label(int64_t i) const {
  if (kind_ == TextClasses::kNamed) return labels_.at(static_cast<size_t>(i));
  if (kind_ == TextClasses::kOwn) return i;
  return i / width_ * (width_ - 1) + std::max<int64_t>(0, i % width_ - 1);
}

int64_t IndexedTexts::classes() const {
  if (kind_ == TextClasses::kNamed) return static_cast<int64_t>(names_.size());
  return kind_ == TextClasses::kOwn ? size() : rows() * (width_ - 1);
}

std::string IndexedTexts::class_name(int64_t c) const {
  if (kind_ == TextClasses::kNamed) return names_.at(static_cast<size_t>(c));
  if (kind_ == TextClasses::kOwn) return key(c);
  const int64_t row = c / (width_ - 1), rest = c % (width_ - 1);
  return rest == 0 ? where(row) : key(row * width_ + rest + 1);
}

int64_t IndexedTexts::group(int64_t c) const {
  return groups_.empty() ? c : groups_.at(static_cast<size_t>(c));
}

std::string IndexedTexts::where(int64_t row) const {
  const File& file = files_[places_.at(static_cast<size_t>(row)) >> kOffsetBits];
  return std::filesystem::path(file.path).filename().string() + ":" +
         std::to_string(lines_[static_cast<size_t>(row)]);
}

std::string IndexedTexts::key(int64_t i) const {
  return width_ == 1 ? where(i) : where(i / width_) + " text " + std::to_string(i % width_ + 1);
}

std::string IndexedTexts::get(int64_t i) const {
  const uint64_t place = places_.at(static_cast<size_t>(i / width_));
  const File& file = files_[place >> kOffsetBits];
  std::unique_ptr<PositionedFile> passing;
  if (!file.open) passing = std::make_unique<PositionedFile>(file.path);
  RecordReader reader(file.open ? *file.open : *passing, syntax_of(file.path), /*multiline=*/true,
                      static_cast<int64_t>(place & ((uint64_t{1} << kOffsetBits) - 1)), kChunk);
  std::vector<std::string> values;
  if (reader.next()) try {
      values = file.columns.values(reader);
    } catch (const DataError&) {
      values.clear();  // the error below gives the reason
    }
  const auto column = static_cast<size_t>(i % width_);
  if (column >= values.size() || sample_id(values[column]) != id(i))
    throw DataError("texts: expected the text that was there when the file was opened, got another at " +
                    file.path + ":" + std::to_string(lines_[static_cast<size_t>(i / width_)]) +
                    "; do not change files in use");
  return std::move(values[column]);
}

}  // namespace lodestone::sampler
