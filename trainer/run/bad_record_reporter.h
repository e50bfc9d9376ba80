#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "distributed/group.h"
#include "sampler/bad_records.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/embedding.h"

namespace lodestone::run {

/// Collects the bad records that ranks find independently under on_bad_record: skip,
/// and enforces the allowed number.
class BadRecordReporter {
 public:
  /// `size` is the number of samples of the data set.
  BadRecordReporter(int64_t size, sampler::BadRecordConfig config) : size_(size), config_(config) {}

  /// Adds the bad records that each rank has newly found. Returns the messages to report now, the same on
  /// every rank, at most 20 over the lifetime of the object.
  /// Ranks     collective
  /// Throws    DataError, on all ranks, if more records are bad than allowed
  std::vector<std::string> report(const distributed::Group& world,
                                  const std::vector<sampler::BadRecord>& mine);
  /// Number of distinct bad records of all ranks.
  int64_t count() const { return static_cast<int64_t>(bad_.size()); }

 private:
  int64_t size_;
  sampler::BadRecordConfig config_;
  std::set<int64_t> bad_;
  std::vector<std::string> messages_;
};

/// Embeds all samples that can be read (embedding.h). Rank 0 logs the messages of the others, and how many
/// there are. `what` names the data in the log, such as "evaluation".
/// Ranks     collective
engine::Embedded embed_readable(const coordinator::RunContext& context, const std::string& what,
                                encoders::Encoder& encoder, c10::Device device,
                                const std::shared_ptr<const sampler::Examples>& examples,
                                const sampler::LoaderConfig& loader, BadRecordReporter& reporter,
                                bool keep_images = false);

/// Part of a command's result line, such as "; 3 bad records left out", or "" if `count` is 0.
std::string left_out_note(int64_t count);

/// Logs on rank 0 which files or records were skipped when `data` was opened.
void report_left_out(const coordinator::RunContext& context, const std::string& what,
                     const sampler::Dataset& data);

}  // namespace lodestone::run
