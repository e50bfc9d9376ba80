#include <algorithm>
#include <set>
#include <sstream>
#include <string>

#include "common/error.h"
#include "common/files.h"
#include "common/paths.h"
#include "common/printable.h"
#include "trainer/eval/one_shot.h"

namespace lodestone::eval {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::error_code code;
  const std::vector<fs::path> entries = folder_entries(folder, code);
  if (code) throw DataError("one_shot: cannot list " + folder.string() + ": " + code.message());
  return entries;
}

// One run: its candidates and its lines.
class Run {
 public:
  Run(const fs::path& folder, const fs::path& run) : folder_(folder), labels_(run / "class_labels.txt") {
    for (const fs::path& entry : sorted_entries(run / "training"))
      if (entry.extension() == ".png") candidates_.push_back(entry.lexically_normal());
    if (candidates_.size() < 2)
      throw DataError("one_shot: expected at least two .png images in " + (run / "training").string() +
                      ", got " + std::to_string(candidates_.size()));
  }

  void append_to(std::vector<OneShotFiles>& trials,
                 const std::function<void(const DataError&)>& on_bad) const {
    std::istringstream lines(text());
    std::set<fs::path> asked;
    std::string line;
    for (int64_t number = 1; std::getline(lines, line); ++number) {
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      try {
        trials.push_back(trial_of(line, number, asked));
      } catch (const DataError& error) {
        on_bad(error);
      }
    }
    if (asked.empty()) throw DataError("one_shot: " + labels_.string() + " holds no trial");
  }

 private:
  OneShotFiles trial_of(const std::string& line, int64_t number, std::set<fs::path>& asked) const {
    std::istringstream words(line);
    std::string query, answer, more;
    if (!(words >> query >> answer) || words >> more)
      fail(number, "expected 'test image, training image', got '" + printable(line.substr(0, 200)) + "'");
    OneShotFiles trial{image(query, number), candidates_, 0};
    const auto right = std::find(candidates_.begin(), candidates_.end(), image(answer, number));
    if (right == candidates_.end()) fail(number, "'" + answer + "' is not in the run's training folder");
    if (!asked.insert(trial.query).second) fail(number, "'" + query + "' is asked twice");
    trial.right = right - candidates_.begin();
    return trial;
  }

  [[noreturn]] void fail(int64_t number, const std::string& what) const {
    throw DataError("one_shot: " + labels_.string() + ":" + std::to_string(number) + ": " + what);
  }

  std::string text() const {
    try {
      return read_file(labels_, uint64_t{1} << 20);
    } catch (const IoError&) {
      std::throw_with_nested(DataError("one_shot: expected a run's labels in " + labels_.string()));
    }
  }

  // A path on a line, which must lie inside the folder of the runs.
  fs::path image(const std::string& word, int64_t number) const {
    const fs::path relative = fs::path(word).lexically_normal();
    if (has_scheme(word) || word.starts_with("~/"))
      fail(number, "expected an image below the folder of the runs, got '" + printable(word) +
                       "'; copy the images there");
    if (relative.is_absolute() || *relative.begin() == "..")
      fail(number, "'" + word + "' leaves the folder of the runs");
    const fs::path path = (folder_ / relative).lexically_normal();
    if (!is_file(path)) fail(number, "there is no image " + path.string());
    return path;
  }

  fs::path folder_;
  fs::path labels_;
  std::vector<fs::path> candidates_;
};

}  // namespace

std::vector<OneShotFiles> read_one_shot_runs(const fs::path& folder,
                                             const std::function<void(const DataError&)>& on_bad) {
  std::vector<OneShotFiles> trials;
  for (const fs::path& entry : sorted_entries(folder)) {
    if (entry.filename().string().starts_with("run") && is_folder(entry))
      Run(folder, entry).append_to(trials, on_bad);
  }
  if (trials.empty())
    throw DataError("one_shot: expected folders run01, run02 … in " + folder.string() +
                    ", got none; unpack all_runs.zip there");
  return trials;
}

}  // namespace lodestone::eval
