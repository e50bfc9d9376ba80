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
#include "sampler/class_members.h"
#include "sampler/dataset.h"

namespace lodestone::sampler {

enum class OnBadRecord { kFail, kSkip };
inline constexpr Choice<OnBadRecord> kOnBadRecord[] = {{"fail", OnBadRecord::kFail},
                                                       {"skip", OnBadRecord::kSkip}};

/// How to handle a record that cannot be read.
struct BadRecordConfig {
  OnBadRecord on_bad_record = OnBadRecord::kFail;
  double max_bad_fraction = 0.01;

  void visit(Fields& f);
  bool skips() const { return on_bad_record == OnBadRecord::kSkip; }
  /// The largest number of bad records allowed among `size`; at least 1.
  int64_t allowed(int64_t size) const;
};

/// A damaged sample and the reason.
struct BadRecord {
  int64_t index = 0;
  /// Empty from the 21st bad record on: the first 20 are enough to find the cause.
  std::string message;
};

/// Throws DataError, quoting `messages`, if more than the allowed share of `size` records is bad.
void check_bad_share(int64_t bad, int64_t size, const BadRecordConfig& config,
                     const std::vector<std::string>& messages);

/// Reads samples and handles damaged ones as configured.
/// fail      throws the record's DataError.
/// skip      counts the record, keeps its message and reads a replacement: another sample of the same class
///           or, if none of that class can be read, of another class, which is the same one for all samples
///           of the unreadable class. It is drawn by Random(seed, kSampler, epoch, id of the bad sample or
///           label of the class), so the choice does not depend on rank or thread count.
/// Memory    8 bytes per sample and class, allocated at the first bad record.
/// Throws    DataError with the first messages once this process has found more than max_bad_fraction of the
///           data set to be bad (one bad record is always allowed), or after 16 draws from each of 16 classes
///           found nothing readable.
/// Threads   all methods are safe concurrently.
class BadRecords {
 public:
  BadRecords(std::shared_ptr<const Dataset> dataset, BadRecordConfig config, uint64_t seed);

  /// Reads one sample; throws DataError if it is damaged.
  using Read = std::function<void(int64_t index)>;
  /// Reads sample `index` or its replacement, and returns the index of the sample that was read.
  int64_t fetch(int64_t index, int64_t epoch, const Read& read);
  /// Reads the sample and returns true, or false if it is bad; under `fail`, throws its DataError. A record
  /// that is already known to be bad is not read again.
  bool try_read(int64_t index, const Read& read);

  bool skips() const { return config_.skips(); }
  /// Whether the sample is already known to be bad.
  bool knows(int64_t index) const;
  /// Number of distinct bad records found so far.
  int64_t count() const;
  /// Bad records found since the previous call.
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
  std::unique_ptr<const ClassMembers> members_;  // made at the first bad record
};

}  // namespace lodestone::sampler
