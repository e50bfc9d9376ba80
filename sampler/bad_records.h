#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/fields.h"
#include "common/rng.h"
#include "sampler/dataset.h"
#include "sampler/samplers/class_members.h"

namespace lodestone {

/// What to do about a record that cannot be read.
struct BadRecordConfig {
  std::string on_bad_record = "fail";
  double max_bad_fraction = 0.01;

  void visit(Fields& f);
  bool skips() const { return on_bad_record == "skip"; }
  /// How many of `size` records may be bad: one at least.
  int64_t allowed(int64_t size) const;
};

/// A damaged sample of a data set and what is wrong with it.
struct BadRecord {
  int64_t index = 0;
  std::string message;  ///< "" behind the first 20, which are enough to find the cause
};

/// Throws DataError, saying what `messages` say, if more than the allowed share of `size` records is bad.
void check_bad_share(int64_t bad, int64_t size, const BadRecordConfig& config,
                     const std::vector<std::string>& messages);

/// Reads samples under a policy for damaged ones.
/// fail      the DataError of the record goes through.
/// skip      the record is counted, its message kept, and another sample stands in for it: of the same class, or, where none of
///           that can be read, of another class, one for all samples of the unreadable class. Drawn by
///           Random(seed, kSampler, epoch, id of the bad sample, or label of the class), so every rank and thread count makes the
///           same choice. Once more than max_bad_fraction of the data set (at least one record is always allowed) was found bad by
///           this process, or nothing readable was found in 16 draws of a class from 16 classes: DataError with the first messages.
/// Memory    from the first bad record on, 8 bytes for each sample and class
/// Threads   all methods are safe concurrently
class BadRecords {
 public:
  BadRecords(std::shared_ptr<const Dataset> dataset, BadRecordConfig config, uint64_t seed);

  /// Reads one sample; a DataError says that it is damaged.
  using Read = std::function<void(int64_t index)>;
  /// The sample that was read: the one asked for, or its stand-in.
  int64_t fetch(int64_t index, int64_t epoch, const Read& read);
  /// Whether the sample could be read; under `fail` the DataError goes through. One that is known to be bad is not read again.
  bool try_read(int64_t index, const Read& read);

  bool skips() const { return config_.skips(); }
  /// Is it known to be bad?
  bool knows(int64_t index) const;
  /// Distinct bad records met so far.
  int64_t count() const;
  /// Those that no call before this one returned.
  std::vector<BadRecord> take();

 private:
  void record(int64_t index, const std::string& message);
  std::optional<int64_t> fetch_of_class(int64_t label, Random random, int64_t but, const Read& read);
  std::optional<int64_t> fetch_of_another_class(int64_t index, int64_t epoch, const Read& read);
  std::span<const int64_t> members_of(int64_t label);

  std::shared_ptr<const Dataset> dataset_;
  BadRecordConfig config_;
  uint64_t seed_;
  mutable std::mutex mutex_;
  std::unordered_set<int64_t> bad_;
  std::vector<BadRecord> new_;
  std::vector<std::string> messages_;
  std::unique_ptr<const ClassMembers> members_;  // made when the first bad record is met
};

}  // namespace lodestone
