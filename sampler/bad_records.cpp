#include "sampler/bad_records.h"

#include <algorithm>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone {

namespace {

constexpr int kDraws = 16;
constexpr size_t kMessages = 20;

}  // namespace

void BadRecordConfig::visit(Fields& f) {
  f.field({"on_bad_record", "what to do about a damaged record", "", {}, {}, {"fail", "skip"}},
          &on_bad_record);
  f.field({"max_bad_fraction", "share of the data set that may be skipped before it is an error", "", 0, 1},
          &max_bad_fraction);
}

BadRecords::BadRecords(std::shared_ptr<const Dataset> dataset, BadRecordConfig config, uint64_t seed)
    : dataset_(std::move(dataset)), config_(std::move(config)), seed_(seed) {
  if (config_.on_bad_record != "fail" && config_.on_bad_record != "skip")
    throw ConfigError("on_bad_record: expected fail or skip, got '" + config_.on_bad_record + "'");
}

int64_t BadRecords::fetch(int64_t index, int64_t epoch, const Read& read) {
  if (config_.on_bad_record == "fail") {
    read(index);
    return index;
  }
  if (try_read(index, read)) return index;
  const auto& members = members_of(dataset_->label(index));
  Random random(seed_, Purpose::kSampler, static_cast<uint64_t>(epoch), dataset_->id(index));
  for (int draw = 0; draw < kDraws; ++draw) {
    const int64_t stand_in = members[random.below(members.size())];
    if (stand_in != index && try_read(stand_in, read)) return stand_in;
  }
  throw DataError("bad records: expected a readable sample of class '" +
                  dataset_->class_name(dataset_->label(index)) + "' in place of the bad " +
                  dataset_->key(index) + ", got none in " + std::to_string(kDraws) +
                  " draws; repair or leave out this class");
}

bool BadRecords::try_read(int64_t index, const Read& read) {
  {
    std::lock_guard lock(mutex_);
    if (bad_.contains(index)) return false;  // do not read and fail again every epoch
  }
  try {
    read(index);
    return true;
  } catch (const DataError& error) {
    record(index, explain(error));
    return false;
  }
}

void BadRecords::record(int64_t index, const std::string& message) {
  std::lock_guard lock(mutex_);
  if (!bad_.insert(index).second) return;
  if (messages_.size() < kMessages) messages_.push_back(message);
  const double allowed = std::max(1.0, config_.max_bad_fraction * static_cast<double>(dataset_->size()));
  if (static_cast<double>(bad_.size()) <= allowed) return;
  std::string all = "bad records: expected at most " + std::to_string(static_cast<int64_t>(allowed)) +
                    " of " + std::to_string(dataset_->size()) +
                    " samples to be bad (max_bad_fraction), got " + std::to_string(bad_.size()) +
                    "; repair the data set. The first of them:";
  for (const std::string& one : messages_) all += "\n  " + one;
  throw DataError(all);
}

const std::vector<int64_t>& BadRecords::members_of(int64_t label) {
  std::lock_guard lock(mutex_);
  if (members_.empty()) {
    members_.resize(static_cast<size_t>(dataset_->classes()));
    for (int64_t i = 0; i < dataset_->size(); ++i)
      members_[static_cast<size_t>(dataset_->label(i))].push_back(i);
  }
  return members_[static_cast<size_t>(label)];
}

int64_t BadRecords::count() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(bad_.size());
}

std::vector<std::string> BadRecords::messages() const {
  std::lock_guard lock(mutex_);
  return messages_;
}

}  // namespace lodestone
