#pragma once

#include <filesystem>
#include <string>

namespace lodestone {

/// The folder of a data set that is made here, replaced as a whole: new files lie in a folder inside it, .KIND-part, until
/// all are there; then they take the place of the old ones, the manifest KIND.json last. A crash in between leaves no manifest.
class OutputFolder {
 public:
  /// Makes the folder. `kind` is what is made, "typefaces".
  /// Throws    ConfigError for an empty path, DataError if the folder holds data of another origin (train-*.tar,
  ///           train.jsonl … without KIND.json), IoError if it cannot be written
  OutputFolder(std::filesystem::path output, std::string kind);
  /// Removes what was not published.
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Where the new files are written.
  const std::filesystem::path& part() const { return part_; }
  /// Where the manifest is written: it must be there when published.
  std::filesystem::path manifest() const { return part_ / (kind_ + ".json"); }

  /// Removes the old data set and moves the new files to their places.
  void publish();

 private:
  std::filesystem::path output_, part_;
  std::string kind_;
};

}  // namespace lodestone
