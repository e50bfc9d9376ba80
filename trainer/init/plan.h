#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampler/sources/data_part.h"
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
  int64_t classes_evaluate = 0;  ///< of the data for evaluation; 0: they have none

 private:
  std::vector<Setting> settings_;
  std::vector<std::string> chosen_;
};

/// A text as a YAML value: in quotes if it could be read as something else.
std::string yaml_text(const std::string& text);
/// A flow sequence of texts, of numbers.
std::string yaml_list(const std::vector<std::string>& texts);
std::string yaml_list(const std::vector<double>& numbers);

/// A part of data, as a flow mapping.
std::string yaml_part(const sampler::DataPart& part);

/// What the user wants.
struct Wishes {
  std::string vocabulary;  ///< the file of the vocabulary that is made beside the configuration
  int64_t max_tokens = 0;  ///< of a text; set once the vocabulary was trained
  std::string why_max_tokens = {};
};

inline constexpr int64_t kEvaluations = 4;  ///< of a run at most, the last included

/// The whole configuration, with steps for a probe; the probe determines their number.
/// Requires  `held` was made from the finding
Plan make_plan(const Finding& finding, const Measured& measured, const HeldOut& held, const Wishes& wishes);

/// Sets the number of steps, and what follows from it and from the number of evaluations.
void plan_steps(Plan& plan, int64_t steps, int64_t evaluations, const std::string& reason);

}  // namespace lodestone::init
