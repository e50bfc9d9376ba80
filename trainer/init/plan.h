#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/init/finding.h"
#include "trainer/init/held_out.h"
#include "trainer/init/measured.h"

namespace lodestone::init {

/// A key of the configuration with its value and, for the reader, the reason.
struct Setting {
  std::string key;    ///< "data.image.width"
  std::string value;  ///< as YAML
  std::string reason = {};
};

/// A configuration with the reasons of its settings.
class Plan {
 public:
  /// Adds a setting, or replaces it.
  void set(const std::string& key, const std::string& value, const std::string& reason = "");
  void set(const std::string& key, int64_t value, const std::string& reason = "");
  void set(const std::string& key, double value, const std::string& reason = "");
  /// Adds a sentence about what was chosen, for the console.
  void say(const std::string& sentence) { chosen_.push_back(sentence); }

  const std::vector<std::string>& chosen() const { return chosen_; }
  /// Commented YAML, in the order of the settings; `head` becomes the comment at its beginning.
  std::string yaml(const std::vector<std::string>& head) const;

  /// Rows of a batch, and of the training data: what the number of steps depends on.
  int64_t batch = 0;
  int64_t samples = 0;
  int64_t samples_evaluate = 0;

 private:
  std::vector<Setting> settings_;
  std::vector<std::string> chosen_;
};

/// A text as a YAML value: in quotes if it could be read as something else.
std::string yaml_text(const std::string& text);
/// A flow sequence of texts, of numbers.
std::string yaml_list(const std::vector<std::string>& texts);
std::string yaml_list(const std::vector<double>& numbers);

/// What the user wants.
struct Wishes {
  double minutes = 5;
  std::string vocabulary;  ///< the file of the vocabulary that is made beside the configuration
  int64_t max_tokens = 0;  ///< of a text; set once the vocabulary was trained
};

inline constexpr int64_t kEvaluations = 4;  ///< of a run, the last included

/// The whole configuration, with steps for a probe; the probe determines their number.
/// Requires  `held` was made from the finding
Plan make_plan(const Finding& finding, const Measured& measured, const HeldOut& held, const Wishes& wishes);

/// Sets the number of steps, and what follows from it.
void plan_steps(Plan& plan, int64_t steps, const std::string& reason);

}  // namespace lodestone::init
