#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "trainer/data_view/side.h"
#include "trainer/survey/spread.h"

namespace lodestone::data_view {

/// Bounds of what is read of one side; whichever is reached first ends it.
struct ReadLimits {
  int64_t samples = 1'000'000;
  int64_t bytes = int64_t{512} << 20;
  double seconds = 5;
};

/// Hashes of what samples hold: of an image's file, or of a text.
struct Contents {
  int64_t bytes = 0;  ///< read
  int64_t unreadable = 0;
  /// The samples that were read, by hash, in ascending order.
  std::unordered_map<uint64_t, std::vector<int64_t>> samples;
  int64_t count = 0;  ///< samples that were read

  /// What is compared with the other side: images, or distinct texts, as in the log of a training.
  int64_t compared(const Side& side) const {
    return side.images ? count : static_cast<int64_t>(samples.size());
  }
};

/// Reads samples, spread evenly over the side, until a limit is reached. Texts are not read: their ids are
/// hashes of them.
Contents read_contents(const Side& side, const ReadLimits& limits = {});

/// Hashes of the rows of texts (pairs, triplets, queries), by the first text of each. Nothing is read.
Contents read_rows(const Side& side);

/// Two samples, each by its index in its side.
struct SamplePair {
  int64_t first = 0;
  int64_t second = 0;
  double similarity = 1;
};

/// Samples with the same content.
struct Duplicates {
  int64_t copies = 0;                     ///< samples equal to an earlier one, or to one of the other side
  int64_t contradictions = 0;             ///< contents that occur in classes of different groups of a side
  std::vector<SamplePair> examples;       ///< the first few; contradictions first
  std::unordered_set<int64_t> evaluated;  ///< between sides: the evaluation samples that are copies
};

/// Of one side.
Duplicates duplicates_within(const Side& side, const Contents& contents);
/// Images, or distinct texts, of `second`, which are the contents of `side`, that `first` has too.
Duplicates duplicates_between(const Side& side, const Contents& first, const Contents& second);

}  // namespace lodestone::data_view
