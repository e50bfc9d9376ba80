#pragma once

#include <filesystem>
#include <string>

namespace lodestone::data {

/// The output folder of a data set, which is replaced as a whole: new files are written to a folder inside
/// it, .KIND-part, until all are complete; then they replace the old ones, the manifest KIND.json last. After
/// a crash in between there is no manifest.
class OutputFolder {
 public:
  /// Creates the folder. `kind` is the kind of data set, "typefaces".
  /// Throws    ConfigError for an empty path, DataError if the folder holds data of another origin
  ///           (train-*.tar, train.jsonl … without KIND.json), IoError if it cannot be written
  OutputFolder(std::filesystem::path output, std::string kind);
  /// Removes files that were not published.
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Where the new files are written.
  const std::filesystem::path& part() const { return part_; }
  /// Where the manifest is written: it must exist when publish() is called.
  std::filesystem::path manifest() const { return part_ / (kind_ + ".json"); }

  /// Removes the old data set and moves the new files to their places.
  void publish();

 private:
  std::filesystem::path output_, part_;
  std::string kind_;
};

}  // namespace lodestone::data
