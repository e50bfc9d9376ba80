#pragma once

#include <memory>
#include <string>

#include "sampler/examples.h"
#include "trainer/run/run_config.h"
#include "trainer/search/embeddings.h"

namespace lodestone {

/// Samples that a user names on the command line, made ready for a model.
struct Input {
  std::shared_ptr<const Examples> examples;
  std::string source;  ///< the folder that ids are paths below, or the file
  bool texts = false;
  /// The text of a sample; "" for pictures.
  std::string text(int64_t i) const;

  const Dataset& dataset() const { return *examples->dataset(); }
  EmbeddedRow row(int64_t i) const;
};

/// Opens what `path` is: for pictures a picture, a folder of pictures, or whatever data.train.path may be (a folder of class
/// folders, a list, shards, IDX); for texts a file of them: .txt with one text a line, or .jsonl, .csv, .tsv with the columns of
/// evaluate.text. A model of both takes either. An empty path stands for evaluate.data.
/// Throws    ConfigError, DataError
Input open_input(const RunConfig& config, const std::string& path);

/// A name as rows keep it, in JSON, which takes UTF-8 alone: other bytes are written as \xNN, so that two names stay two.
std::string row_name(const std::string& name);

/// One text as written on the command line. Throws ConfigError if the model reads none.
Input text_input(const RunConfig& config, const std::string& text);

}  // namespace lodestone
