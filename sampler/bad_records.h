#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/fields.h"
#include "sampler/dataset.h"

namespace lodestone {

/// What to do about a record that cannot be read.
struct BadRecordConfig {
  std::string on_bad_record = "fail";
  double max_bad_fraction = 0.01;

  void visit(Fields& f);
};

/// Reads samples under a policy for damaged ones.
/// fail      the DataError of the record goes through.
/// skip      the record is counted, its message kept, and another sample of the same class stands in for it:
/// drawn by
///           Random(seed, kSampler, epoch, id of the bad sample), so every rank and thread count makes the
///           same choice; up to 16 draws, then DataError. Labels stay as they were. Once more than
///           max_bad_fraction of the data set (at least one record is always allowed) was found bad by this
///           process: DataError with the first messages.
/// Pictures of explicit pairs and triplets are classes of their own, so a bad one among them is always an error.
/// Threads   all methods are safe concurrently
class BadRecords {
 public:
  BadRecords(std::shared_ptr<const Dataset> dataset, BadRecordConfig config, uint64_t seed);

  /// Reads one sample; a DataError says that it is damaged.
  using Read = std::function<void(int64_t index)>;
  /// The sample that was read: the one asked for, or its stand-in.
  int64_t fetch(int64_t index, int64_t epoch, const Read& read);

  /// Distinct bad records met so far.
  int64_t count() const;
  /// The messages of the first 20 of them.
  std::vector<std::string> messages() const;

 private:
  bool try_read(int64_t index, const Read& read);
  void record(int64_t index, const std::string& message);
  const std::vector<int64_t>& members_of(int64_t label);

  std::shared_ptr<const Dataset> dataset_;
  BadRecordConfig config_;
  uint64_t seed_;
  mutable std::mutex mutex_;
  std::unordered_set<int64_t> bad_;
  std::vector<std::string> messages_;
  std::vector<std::vector<int64_t>> members_;  // by label; filled when the first bad record is met
};

}  // namespace lodestone
