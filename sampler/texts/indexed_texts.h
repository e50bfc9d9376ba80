#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sampler/files/positioned_file.h"
#include "sampler/texts/text_columns.h"
#include "sampler/texts/text_dataset.h"

namespace lodestone::sampler {

/// How samples form classes.
enum class TextClasses {
  kNamed,  ///< the class is the row's label
  kRows,   ///< the class is the row for its first two texts; each further text is its own class
  kOwn,    ///< each text is its own class
};

/// An index of text files: the position of each row, and the hash and length of each text.
class IndexedTexts : public TextDataset {
 public:
  IndexedTexts(TextClasses classes, int64_t texts_per_row) : kind_(classes), width_(texts_per_row) {}

  /// Adds a file; then add its rows, in order. `label` is used by kNamed only.
  void add_file(std::string path, TextColumns columns);
  void add_row(int64_t offset, int64_t line, const std::vector<std::string>& texts, uint32_t label);
  /// Completes the index. With kNamed, class c gets the name names[c]; it was label order[c] until now. Rows
  /// that share a text get one group.
  void finish(std::vector<std::string> names, const std::vector<uint32_t>& order, LeftOut left_out);

  int64_t rows() const { return static_cast<int64_t>(places_.size()); }
  int64_t size() const override { return static_cast<int64_t>(ids_.size()); }
  int64_t label(int64_t i) const override;
  uint64_t id(int64_t i) const override { return ids_.at(static_cast<size_t>(i)); }
  std::string key(int64_t i) const override;
  int64_t classes() const override;
  std::string class_name(int64_t c) const override;
  int64_t group(int64_t c) const override;
  int64_t bytes(int64_t i) const override { return bytes_.at(static_cast<size_t>(i)); }
  std::string get(int64_t i) const override;
  LeftOut left_out() const override { return left_out_; }

 private:
  struct File {
    std::string path;
    TextColumns columns;
    std::unique_ptr<PositionedFile> open;  // of the first files; later ones are opened for each read
  };
  std::string where(int64_t row) const;
  void share_groups();

  TextClasses kind_;
  int64_t width_;
  std::vector<File> files_;
  std::vector<uint64_t> places_;  // by row: file number in the upper bits, offset in the lower
  std::vector<uint32_t> lines_;   // of a row
  std::vector<uint64_t> ids_;     // of a text
  std::vector<uint16_t> bytes_;   // of a text
  std::vector<uint32_t> labels_;  // by row, for kNamed
  std::vector<uint32_t> groups_;  // by class; empty if each class is its own group
  std::vector<std::string> names_;
  LeftOut left_out_;
};

}  // namespace lodestone::sampler
