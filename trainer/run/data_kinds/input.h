#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sampler/examples.h"
#include "trainer/run/run_config.h"
#include "trainer/search/embeddings.h"

namespace lodestone::run {

/// What a row stores of its sample besides id and label.
struct StoredContent {
  bool text = true;
  int thumbnail_side = 0;  ///< in pixels; 0: no thumbnail
};

/// Samples that a user names on the command line, prepared for a model.
struct Input {
  std::shared_ptr<const sampler::Examples> examples;
  std::string source;  ///< the folder that ids are relative to, or the file
  bool texts = false;
  std::function<std::string(int64_t)> caption{};  ///< the first one of an image; empty if images have none
  /// The text of a sample, or its caption; "" for images without.
  std::string text(int64_t i) const;
  bool has_text() const { return texts || caption; }

  const sampler::Dataset& dataset() const { return *examples->dataset(); }
  /// The metadata of a sample. Throws DataError if it is damaged; one that was embedded is not.
  search::EmbeddedRow row(int64_t i, const StoredContent& stored = {}) const;
  /// row_place() of a row of this input.
  std::string place_of(const search::EmbeddedRow& row) const;
};

/// The id of a row that is the same in whatever folder a command runs: its path. `source` is that of the
/// row's input, as Embeddings::about has it; an id that is a place already stays as it is.
std::string row_place(const std::string& source, const std::string& id);

/// Whether a word of the command line can only mean a file, even if there is none of this name: it has the
/// ending of a file that models read, begins like a path, or has a slash and no blank.
bool names_a_file(const std::string& word);

/// Opens the samples at `path`. For images: an image, a folder of images, or anything that data.train.path
/// accepts (a folder of class folders, a list, shards, IDX). For texts: a .txt file with one text per line,
/// or a .jsonl, .csv or .tsv file with the columns of evaluate.text. A model of both accepts either. An empty
/// path means evaluate.data.
/// Throws    ConfigError, DataError
Input open_input(const RunConfig& config, const std::string& path);

/// The ways in which kinds of data implement DataKind::open_input.
Input open_image_input(const RunConfig& config, const std::string& path);
Input open_text_input(const RunConfig& config, const std::string& path);
/// Images with captions, which are embedded as images: shards or a list.
Input open_captioned_input(const RunConfig& config, const std::string& path);

/// `name` in the form that rows store. JSON accepts only UTF-8, so other bytes are written as \xNN, and
/// different names stay different.
std::string row_name(const std::string& name);

/// A single text from the command line.
/// Throws    ConfigError if the model does not embed texts
Input text_input(const RunConfig& config, const std::string& text);

}  // namespace lodestone::run
