#include "trainer/run/bad_record_reporter.h"

#include <charconv>

#include "common/counted.h"
#include "common/printable.h"
#include "distributed/reductions/gather_texts.h"

namespace lodestone::run {

namespace {

constexpr size_t kMessages = 20;

std::string lines_of(const std::vector<sampler::BadRecord>& records) {
  std::string lines;
  for (const sampler::BadRecord& record : records)
    lines += std::to_string(record.index) + "\t" + printable(record.message) + "\n";
  return lines;
}

std::vector<sampler::BadRecord> records_of(const std::string& lines) {
  std::vector<sampler::BadRecord> records;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t tab = lines.find('\t', begin), end = lines.find('\n', tab);
    sampler::BadRecord record;
    std::from_chars(lines.data() + begin, lines.data() + tab, record.index);
    record.message = lines.substr(tab + 1, end - tab - 1);
    records.push_back(std::move(record));
    begin = end + 1;
  }
  return records;
}

}  // namespace

std::vector<std::string> BadRecordReporter::report(const distributed::Group& world,
                                                   const std::vector<sampler::BadRecord>& mine) {
  std::vector<std::string> reported;
  for (const std::string& lines : distributed::gather_texts(world, lines_of(mine)))
    for (sampler::BadRecord& record : records_of(lines)) {
      if (!bad_.insert(record.index).second || record.message.empty() || messages_.size() == kMessages)
        continue;
      messages_.push_back(record.message);
      reported.push_back(std::move(record.message));
    }
  sampler::check_bad_share(count(), size_, config_, messages_);
  return reported;
}

engine::Embedded embed_readable(const coordinator::RunContext& context, const std::string& what,
                                encoders::Encoder& encoder, c10::Device device,
                                const std::shared_ptr<const sampler::Examples>& examples,
                                const sampler::LoaderConfig& loader, BadRecordReporter& reporter,
                                bool keep_images) {
  engine::Embedded all = engine::embed(context.world, encoder, device, examples, loader, keep_images);
  if (all.left_out == 0) return all;
  const auto messages = reporter.report(context.world, all.bad);
  if (!context.is_main_rank()) return all;
  for (const std::string& message : messages)
    context.log->warn("{}: left out a bad record: {}", what, message);
  context.log->warn("{}: left out {} of {} samples, which could not be read", what, all.left_out,
                    examples->dataset()->size());
  return all;
}

std::string left_out_note(int64_t count) {
  return count == 0 ? "" : "; " + counted(count, "bad record") + " left out";
}

void report_left_out(const coordinator::RunContext& context, const std::string& what,
                     const sampler::Dataset& data) {
  if (!context.is_main_rank()) return;
  for (const std::string& sentence : data.left_out().sentences())
    context.log->warn("{}: left out {}", what, sentence);
}

}  // namespace lodestone::run
