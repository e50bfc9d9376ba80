#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sampler/dataset.h"

namespace lodestone::sampler {

/// Class names in sorted order and the look-alike group of each.
class ClassTable {
 public:
  ClassTable() = default;
  /// `look_alikes` maps a class name to its group's name; a class without an entry is alone in its group.
  ClassTable(const std::set<std::string>& names, const std::map<std::string, std::string>& look_alikes);

  int64_t size() const { return static_cast<int64_t>(names_.size()); }
  const std::string& name(int64_t c) const { return names_.at(static_cast<size_t>(c)); }
  int64_t group(int64_t c) const { return groups_.at(static_cast<size_t>(c)); }
  /// Throws std::out_of_range if there is no such class.
  int64_t index(const std::string& name) const { return indices_.at(name); }

 private:
  std::vector<std::string> names_;
  std::vector<int64_t> groups_;
  std::map<std::string, int64_t> indices_;
};

/// The part of an image data set that is in memory; a derived class adds key() and get().
/// Memory    12 bytes per sample.
class IndexedImages : public ImageDataset {
 public:
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  int64_t label(int64_t i) const override { return labels_.at(static_cast<size_t>(i)); }
  uint64_t id(int64_t i) const override { return ids_.at(static_cast<size_t>(i)); }
  int64_t classes() const override { return table_.size(); }
  std::string class_name(int64_t c) const override { return table_.name(c); }
  int64_t group(int64_t c) const override { return table_.group(c); }
  LeftOut left_out() const override { return left_out_; }
  /// Adds to what left_out() returns.
  void leave_out(const LeftOut& what) { left_out_.add(what); }

 protected:
  explicit IndexedImages(ClassTable table) : table_(std::move(table)) {}
  const ClassTable& table() const { return table_; }
  void add(int64_t label, std::string_view key) {
    labels_.push_back(static_cast<uint32_t>(label));
    ids_.push_back(sample_id(key));
  }

 private:
  ClassTable table_;
  std::vector<uint32_t> labels_;
  std::vector<uint64_t> ids_;
  LeftOut left_out_;
};

}  // namespace lodestone::sampler
