#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "distributed/group.h"
#include "sampler/bad_records.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/embedding.h"

namespace lodestone {

/// Brings together the bad records that ranks have met, each by itself, under on_bad_record: skip.
class BadRecordTeller {
 public:
  /// `size`: of the data set.
  BadRecordTeller(int64_t size, BadRecordConfig config) : size_(size), config_(std::move(config)) {}

  /// Takes every rank's newly met ones and returns the messages that are to be told now, 20 in all. Every rank gets the same.
  /// Throws DataError, on all ranks, if more are bad than may be. Ranks: collective.
  std::vector<std::string> meet(const Group& world, const std::vector<BadRecord>& mine);
  /// Distinct ones, of all ranks.
  int64_t count() const { return static_cast<int64_t>(bad_.size()); }

 private:
  int64_t size_;
  BadRecordConfig config_;
  std::set<int64_t> bad_;
  std::vector<std::string> messages_;
};

/// Embeds all samples that can be read (embedding.h); the others are named once by rank 0, which says each time how many they are.
/// `what` they are, for people: "evaluation". Ranks: collective.
Embedded embed_readable(const RunContext& context, const std::string& what, Encoder& encoder,
                        c10::Device device, const std::shared_ptr<const Examples>& examples,
                        const LoaderConfig& loader, BadRecordTeller& teller, bool keep_pictures = false);

/// What a command's result line says of them: "; 3 bad records left out", or nothing.
std::string left_out_note(int64_t count);

/// Rank 0 says what was passed over while `data` was opened.
void tell_left_out(const RunContext& context, const std::string& what, const Dataset& data);

}  // namespace lodestone
