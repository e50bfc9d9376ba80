#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lodestone::init {

/// A path and what lies directly in it.
struct Place {
  std::string path;
  bool is_folder = false;
  std::vector<std::string> files;    ///< names, sorted; without hidden ones
  std::vector<std::string> folders;  ///< names, sorted; without hidden ones

  /// The path of one of them.
  std::string below(const std::string& name) const;
};

/// Looks at a file, a folder, or a pattern of several files.
/// Cost      one pass over the folder, not below it
/// Throws    DataError if there is nothing, or the folder cannot be read
Place look_at(const std::string& path);

/// The last part of a path, in small letters.
std::string small_name(const std::string& path);

/// What a name says about the use of its data.
enum class Use { kTrain, kEvaluate };

/// A word of the name says it: "train-00001.tar", "images_background", "val". Empty if none does.
std::optional<Use> use_of(const std::string& name);

/// Names of one data set, by use: "train.jsonl" and "test.jsonl".
struct UseGroup {
  std::vector<std::string> train, evaluate;
  /// Other data for evaluation, left for the end: test data where validation data are there.
  std::vector<std::string> kept;
};

/// The data sets among the names: those that differ by the word for their use, and by numbers, are one. Only
/// those with training data; the one with the shortest name comes first.
std::vector<UseGroup> groups_by_use(const std::vector<std::string>& names);

/// What one data set of a place consists of.
struct ChosenPaths {
  std::string train;     ///< a path, or a pattern of several
  std::string evaluate;  ///< "" if there is nothing for it
};

/// The paths of the first data set that the names tell (groups_by_use); empty if they tell none. Adds
/// sentences about what is not used: other data sets, and data for evaluation that are left for the end.
std::optional<ChosenPaths> choose_by_use(const Place& place, const std::vector<std::string>& names,
                                         std::vector<std::string>& others);

/// One pattern for several files of a place, as a configuration has it.
std::string pattern_of(const Place& place, const std::vector<std::string>& names);

}  // namespace lodestone::init
