#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sampler/bad_records.h"
#include "sampler/sources/data_part.h"
#include "sampler/texts/text_dataset.h"
#include "sampler/texts/text_layout.h"
#include "sampler/tuple.h"

namespace lodestone::sampler {

/// Where texts come from.
struct TextSource {
  std::string path;  ///< a file; globs and braces name several, read in order
  /// labels: globs of class names to keep; a leading ! leaves out.
  std::vector<std::string> class_filter;
  TextLayout layout;
  BadRecordConfig bad_records;
  /// Rows with one label or image, that share texts, or with one first text (DataPart), are in it together.
  DataPart part = {};
};

/// Texts and their relations. Samples and classes depend on the format:
/// texts     each text is a sample and its own class.
/// labels    one sample per row; its class is the label.
/// pairs     two samples per row, of one class: they share a batch, and the other rows are their negatives.
///           With labels: two samples per row, each its own class, and a tuple with the label. With grades:
///           the same with `scores` instead of tuples, unless same_from turns grades into labels.
/// triplets  three samples per row, each its own class, and a tuple.
/// queries   query and positive have one class, each negative is its own class; all texts of a row share a
///           batch.
/// Group     classes of rows that share a text have one group: they are neither negatives of each other nor
///           counted as errors in retrieval.
struct TextSet {
  std::shared_ptr<const TextDataset> texts;
  int64_t texts_per_row = 1;   ///< samples r·texts_per_row … belong to row r
  bool row_is_unit = false;    ///< a row is a unit of the batch (RowSampler)
  std::vector<Tuple> tuples;   ///< of samples, one per row
  std::vector<double> scores;  ///< of the pair (2r, 2r+1)

  int64_t rows = 0;                   ///< rows kept
  int64_t bad = 0;                    ///< lines left out under on_bad_record: skip
  std::vector<std::string> messages;  ///< about the first 20 of them
};

/// Indexes text files: .jsonl, .csv (RFC 4180) and .tsv; text_columns.h selects the columns. All rows are
/// read and checked once; later, get() reads a text from its file. Bad lines, negatives beyond the number in
/// the first row, columns that nothing reads (other_columns: ignore) and pairs of a text with itself that
/// count as not the same, which are left out, are reported by left_out().
/// Cost      one pass; memory 12 bytes per row and 10 per text, 4 more per label or where rows share texts (8
///           to 16 temporarily), 32 per tuple.
/// Errors    under on_bad_record: skip, bad lines are left out, up to max_bad_fraction of all.
/// Throws    ConfigError; DataError naming file and line if a file is missing or has no rows, or if a row
///           cannot be parsed, lacks a column or has too many, has an empty column or one that is not UTF-8,
///           is longer than 4 MiB, has a quote that does not close on its line (or at all, with `multiline`),
///           has a label that is no number, or a triplet's negative that equals its anchor or positive; or if
///           the file has columns that nothing reads.
TextSet open_texts(const TextSource& source);

}  // namespace lodestone::sampler
