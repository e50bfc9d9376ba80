#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sampler/bad_records.h"
#include "sampler/sources/tuple.h"
#include "sampler/texts/text_dataset.h"
#include "sampler/texts/text_layout.h"

namespace lodestone {

/// Where texts come from.
struct TextSource {
  std::string path;  ///< a file; globs and braces name several, read in order
  std::vector<std::string>
      class_filter;  ///< labels: globs of class names to keep, with a leading ! to leave out
  TextLayout layout;
  BadRecordConfig bad_records;
};

/// Texts and how they belong together. What the samples and their classes are depends on the format:
///   texts              each text is a sample and a class of its own
///   labels             one sample a row; its class is the label
///   pairs              two samples a row of one class: they meet in a batch, and the other rows are their negatives
///   pairs with labels  two samples a row, each a class of its own, and a tuple that says whether they are the same
///   pairs with grades  the same with `scores` in place of tuples, unless same_from makes labels of them
///   triplets           three samples a row, each a class of its own, and a tuple
///   queries            query and positive of one class, each negative a class of its own; all of a row meet in a batch
/// Classes of rows that share a text share a group: they are neither each other's negatives nor errors in retrieval.
struct TextSet {
  std::shared_ptr<const TextDataset> texts;
  int64_t texts_per_row = 1;   ///< samples r·texts_per_row … are row r's
  bool rows_meet = false;      ///< rows are the unit of a batch (RowSampler)
  std::vector<Tuple> tuples;   ///< of samples, one a row
  std::vector<double> scores;  ///< of the pair (2r, 2r+1)

  int64_t rows = 0;                   ///< kept
  int64_t bad = 0;                    ///< lines left out under on_bad_record: skip
  std::vector<std::string> messages;  ///< of the first 20 of those
};

/// Indexes text files: .jsonl, .csv (RFC 4180) and .tsv (text_columns.h says which columns). All rows are read and checked
/// once; later each text is read where it lies.
/// Cost      one pass; memory 12 bytes for each row and 10 for each text, 4 more for a label or where rows share texts
///           (8 to 16 passing), 32 for a tuple
/// Throws    ConfigError, and DataError naming file and line: a file is missing or holds no rows; a row cannot be parsed,
///           lacks a column or has one too many, has an empty one or one that is not UTF-8, is longer than 4 MiB, has a quote that
///           does not close on its line (or at all, with `multiline`), has a label that is no number, or a negative that is its
///           anchor or positive. Under on_bad_record: skip such lines are left out, up to max_bad_fraction of all.
/// Left out  lines that are bad, columns that nothing reads, negatives beyond the first row's
TextSet open_texts(const TextSource& source);

}  // namespace lodestone
