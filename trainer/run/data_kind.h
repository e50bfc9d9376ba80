#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/fields.h"
#include "sampler/texts/text_layout.h"
#include "trainer/encoders/input_shape.h"

namespace lodestone::run {

struct DataConfig;
struct Input;
struct RunConfig;
struct TrainingData;
class Evaluator;

/// A setting that has no effect for a kind of data.
struct SettingWithoutEffect {
  /// The full key: "data.tuples", "data.loader.cache_mib", "evaluate.text"; "source.split" is the key `split`
  /// of both data.train and evaluate.data.
  const char* key;
  /// Continues the message "has no effect with data.kind: x; leave it out".
  const char* why = "";
};

/// What people count in data of a kind: "images", of one row each; "pairs", of two.
struct Unit {
  const char* name;
  int64_t rows;  ///< rows of a batch that make one
};

/// How a sample of the training data is recognised among the samples of the evaluation.
enum class SameBy {
  kClass,    ///< by the name of its class
  kSample,   ///< by its id
  kNothing,  ///< samples of both may look alike
};

/// A row of the table of data kinds: what samples are, how they are opened, and what the rest of a run asks
/// about them. Nothing else asks for the name of a kind.
///
///     config.data.kind->reads_texts();                        // of the kind that data.kind selects
///     config.data.kind->open_training(config);
///
/// Threads   const methods are safe concurrently
class DataKind {
 public:
  virtual ~DataKind() = default;

  /// Settings of this kind alone, keys of the mapping `data`. The kinds of the library have none: they share
  /// data.train, data.image and data.text.
  virtual void visit(Fields&) {}
  /// The settings, shared by all kinds, that have no effect for this one.
  virtual std::vector<SettingWithoutEffect> without_effect() const = 0;
  /// Checks settings that must fit together, once all of them are read.
  /// Throws    ConfigError
  virtual void check(const RunConfig&) const {}

  virtual bool reads_images() const = 0;
  virtual bool reads_texts() const = 0;
  /// What training counts per second.
  virtual Unit unit(const DataConfig& data) const = 0;
  /// Samples without classes, for people: "images with captions".
  virtual const char* samples() const = 0;
  /// The key of the setting that determines which rows share a batch ("data.tuples"); "" if the sampler does.
  virtual const char* row_setting(const DataConfig&) const { return ""; }
  /// Whether the data gives triplets, or pairs of images, so that nothing is mined.
  virtual bool gives_tuples(const DataConfig&) const { return false; }
  /// Whether samples have classes.
  virtual bool has_classes(const DataConfig&) const { return true; }
  /// Whether classes of texts in this layout are identified by their names; if not, by their samples.
  virtual bool has_class_names(const sampler::TextLayout&) const { return true; }
  virtual SameBy same_by(const RunConfig&) const { return SameBy::kClass; }

  /// The sizes that an encoder is built for.
  virtual encoders::InputShape input_shape(const RunConfig& config) const = 0;
  /// Opens the training data and makes their sampler.
  /// Throws    ConfigError, DataError
  virtual TrainingData open_training(const RunConfig& config) const = 0;
  /// The evaluator of evaluate.data, which it opens.
  /// Requires  `config` outlives the evaluator
  /// Throws    ConfigError, DataError
  virtual std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config) const = 0;
  /// Samples of a user for embed, search and galleries: those at `path`; "": those of evaluate.data.
  /// Throws    ConfigError, DataError
  virtual Input open_input(const RunConfig& config, const std::string& path) const = 0;
};

/// All kinds of data. trainer/run/data_kinds/table.cpp has one row for each.
std::span<const TableRow<DataKind>> data_kind_table();

}  // namespace lodestone::run
