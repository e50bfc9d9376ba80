#include "sampler/bad_records.h"

#include <algorithm>
#include <utility>

#include "common/causes.h"
#include "common/error.h"
#include "common/keys_without_effect.h"
#include "common/rng.h"

namespace lodestone::sampler {

namespace {

constexpr size_t kDraws = 16;  // per class, and of classes
constexpr size_t kMessages = 20;

}  // namespace

void BadRecordConfig::visit(Fields& f) {
  f.choice(
      {.name = "on_bad_record",
       .doc =
           "what happens at a damaged record. fail: the run ends; skip: the record is left out, counted and "
           "named in the log"},
      &on_bad_record, kOnBadRecord);
  if (!skips())
    without_effect(f, {"max_bad_fraction"},
                   "with on_bad_record: fail, which ends the run at the first; leave it out, or set "
                   "on_bad_record: skip");
  f.field({.name = "max_bad_fraction",
           .doc = "largest fraction of the data set that may be skipped; more is an error",
           .min = 0,
           .max = 1},
          &max_bad_fraction);
}

int64_t BadRecordConfig::allowed(int64_t size) const {
  return std::max<int64_t>(1, static_cast<int64_t>(max_bad_fraction * static_cast<double>(size)));
}

void check_bad_share(int64_t bad, int64_t size, const BadRecordConfig& config,
                     const std::vector<std::string>& messages) {
  const int64_t allowed = config.allowed(size);
  if (bad <= allowed) return;
  constexpr size_t kQuoted = 3;
  std::string all = "bad records: expected at most " + std::to_string(allowed) + " of " +
                    std::to_string(size) + " records to be bad (max_bad_fraction), got " +
                    std::to_string(bad) + "; repair the data set. The first: ";
  const size_t quoted = std::min(kQuoted, messages.size());
  for (size_t i = 0; i < quoted; ++i) all += (i == 0 ? "" : "; ") + messages[i];
  throw DataError(all);
}

BadRecords::BadRecords(std::shared_ptr<const Dataset> dataset, BadRecordConfig config, uint64_t seed)
    : dataset_(std::move(dataset)), config_(config), seed_(seed) {}

int64_t BadRecords::fetch(int64_t index, int64_t epoch, const Read& read) {
  if (try_read(index, read)) return index;
  const int64_t label = dataset_->label(index);
  const Random random(seed_, Purpose::kSampler, static_cast<uint64_t>(epoch), dataset_->id(index));
  if (const auto found = fetch_of_class(label, random, index, read)) return *found;
  if (const auto found = fetch_of_another_class(index, epoch, read)) return *found;
  throw DataError("bad records: expected a readable sample in place of the bad " + dataset_->key(index) +
                  ", got none of class '" + dataset_->class_name(label) + "' nor of " +
                  std::to_string(kDraws) + " others; repair the data set");
}

bool BadRecords::try_read(int64_t index, const Read& read) {
  if (!skips()) {
    read(index);
    return true;
  }
  if (knows(index)) return false;  // saves reading it again every epoch
  try {
    read(index);
    return true;
  } catch (const DataError& error) {
    record(index, explain_on_a_line(error));
    return false;
  }
}

// Tries all samples of a small class: whether one is readable does not depend on which sample was requested.
std::optional<int64_t> BadRecords::fetch_of_class(int64_t label, Random random, int64_t but,
                                                  const Read& read) {
  const auto members = members_of(label);
  std::vector<int64_t> line;
  if (members.size() > kDraws + 1) {
    while (line.size() < kDraws) line.push_back(members[random.below(members.size())]);
  } else {
    line.assign(members.begin(), members.end());
    random.shuffle(line);
  }
  for (const int64_t stand_in : line)
    if (stand_in != but && try_read(stand_in, read)) return stand_in;
  return {};
}

// All samples of an unreadable class get replacements from the same other class, so that they still share a
// class.
std::optional<int64_t> BadRecords::fetch_of_another_class(int64_t index, int64_t epoch, const Read& read) {
  const auto label = static_cast<uint64_t>(dataset_->label(index));
  Random random(seed_, Purpose::kSampler, static_cast<uint64_t>(epoch), ~label);
  for (size_t draw = 0; draw < kDraws; ++draw) {
    const auto drawn = static_cast<int64_t>(random.below(static_cast<uint64_t>(dataset_->size())));
    const int64_t other = dataset_->label(drawn);
    if (other == dataset_->label(index)) continue;
    const Random member(seed_, Purpose::kSampler, static_cast<uint64_t>(epoch), dataset_->id(index));
    if (const auto found = fetch_of_class(other, member, index, read)) return found;
  }
  return {};
}

std::span<const int64_t> BadRecords::members_of(int64_t label) {
  std::scoped_lock lock(mutex_);
  if (!members_) members_ = std::make_unique<const ClassMembers>(*dataset_);
  return members_->of(label);
}

void BadRecords::record(int64_t index, const std::string& message) {
  std::scoped_lock lock(mutex_);
  if (!bad_.insert(index).second) return;
  const bool keeps_message = messages_.size() < kMessages;
  if (keeps_message) messages_.push_back(message);
  new_.push_back({index, keeps_message ? message : ""});
  check_bad_share(static_cast<int64_t>(bad_.size()), dataset_->size(), config_, messages_);
}

bool BadRecords::knows(int64_t index) const {
  std::scoped_lock lock(mutex_);
  return bad_.contains(index);
}

int64_t BadRecords::count() const {
  std::scoped_lock lock(mutex_);
  return static_cast<int64_t>(bad_.size());
}

std::vector<BadRecord> BadRecords::take() {
  std::scoped_lock lock(mutex_);
  return std::exchange(new_, {});
}

}  // namespace lodestone::sampler
