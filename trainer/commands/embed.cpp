#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>

#include <ATen/ops/empty.h>

#include "common/files.h"
#include "common/paths.h"
#include "common/yaml.h"
#include "sampler/range_sampler.h"
#include "sampler/samples_hash.h"
#include "trainer/commands/bad_record_teller.h"
#include "trainer/commands/command.h"
#include "trainer/commands/input.h"
#include "trainer/commands/trained_model.h"
#include "trainer/coordinator/progress.h"
#include "trainer/search/embedding_writer.h"

namespace lodestone {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kRows = 256;  // of a rank's batch
constexpr std::chrono::seconds kSavedEvery(5);

ProgressStyle of_rows(const Log& log) {
  ProgressStyle style = ProgressStyle::for_stderr(log);
  style.unit = "rows";
  style.step = "row";
  return style;
}

/// Shows rows done and rows per second, and saves the writer's place now and then. Rank 0.
class Recorder {
 public:
  Recorder(EmbeddingPlan plan, const Log& log)
      : total_(plan.rows),
        writer_(std::move(plan)),
        first_(writer_.done()),
        progress_(std::cerr, first_, total_, of_rows(log)) {
    if (first_ > 0) log->info("going on after {} of {} rows", first_, total_);
  }

  int64_t done() const { return writer_.done(); }

  int64_t left_out() const { return writer_.left_out(); }

  /// The rows of the next `asked` samples, but for those that could not be read.
  void take(const at::Tensor& z_nD, const std::vector<int64_t>& samples, int64_t asked, const Input& input) {
    std::vector<EmbeddedRow> rows;
    for (const int64_t i : samples) rows.push_back(input.row(i));
    writer_.append(z_nD, rows, asked - static_cast<int64_t>(rows.size()));
    if (Clock::now() - saved_ >= kSavedEvery) writer_.save_place(), saved_ = Clock::now();
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    progress_.update({done(), {}, static_cast<double>(done() - first_) / seconds, {}});
  }

  void finish() {
    writer_.finish();
    progress_.finish();
  }

 private:
  int64_t total_;
  EmbeddingWriter writer_;
  int64_t first_;
  Progress progress_;
  Clock::time_point start_ = Clock::now(), saved_ = start_;
};

std::vector<int64_t> gathered(const Session& session, const std::vector<int64_t>& mine) {
  at::Tensor mine_b = at::empty({static_cast<int64_t>(mine.size())}, at::kLong);
  std::copy(mine.begin(), mine.end(), mine_b.mutable_data_ptr<int64_t>());
  const at::Tensor all_n = session.world.all_gather(mine_b.to(session.launch.device())).cpu().contiguous();
  const int64_t* all = all_n.const_data_ptr<int64_t>();
  return {all, all + all_n.numel()};
}

// Each round is a batch that all ranks share, in the order of the data: what is done is one number, whatever the world.
void embed_rounds(Session& session, TrainedModel& model, const Input& input, Recorder* recorder) {
  const int64_t rows = input.dataset().size();
  const int64_t done =
      std::stoll(session.world.broadcast_text(recorder ? std::to_string(recorder->done()) : ""));
  if (done == rows) return;
  auto sampler = std::make_shared<RangeSampler>(input.examples->dataset(), Range{done, rows},
                                                kRows * session.world.size());
  LoaderConfig loading = model.config().data.loader;
  loading.leave_out = true;
  BadRecordTeller teller(rows, loading.bad_records);
  const int64_t rounds = sampler->batches_per_epoch();
  Loader loader(input.examples, std::move(sampler), {session.world.rank(), session.world.size()}, loading, 0,
                {},
                /*augment=*/false, rounds);
  while (loader.has_next()) {
    const Batch batch = loader.next();
    const at::Tensor z_nD = model.embed(batch.features).to(session.launch.device());
    const at::Tensor all_nD = session.world.all_gather(z_nD).cpu().contiguous();
    const std::vector<int64_t> samples = gathered(session, batch.indices);
    const auto missing = batch.global_rows - static_cast<int64_t>(samples.size());
    if (missing > 0) {
      const auto messages = teller.meet(session.world, loader.take_bad_records());
      for (const std::string& message : messages)
        if (recorder) session.log->warn("left out a bad record: {}", message);
    }
    if (recorder) recorder->take(all_nD, samples, batch.global_rows, input);
  }
}

// Changes with any sample, its place, and the settings of the data.
std::string described(RunConfig& config, const Dataset& data) {
  std::string text = write_yaml([&](Fields& f) { config.data.visit(f); });
  return checksum(text + std::to_string(samples_hash(data)));
}

int embed_input(Session& session, TrainedModel& model, const EmbedArguments& arguments) {
  const Input input = open_input(model.config(), arguments.input);
  tell_left_out(session, input.source, input.dataset());
  std::optional<Recorder> recorder;
  if (session.leads())
    recorder.emplace(
        EmbeddingPlan{arguments.output, input.dataset().size(), model.config().encoder->output_dim(),
                      model.about(absolute_path(input.source).string()),
                      described(model.config(), input.dataset())},
        session.log);
  embed_rounds(session, model, input, recorder ? &*recorder : nullptr);
  if (recorder) {
    recorder->finish();
    const int64_t left_out = recorder->left_out();
    std::cout << arguments.output << ": " << input.dataset().size() - left_out << " embeddings of width "
              << model.config().encoder->output_dim() << left_out_note(left_out) << std::endl;
  }
  return kDone;
}

}  // namespace

int run_embed(const EmbedArguments& arguments) {
  return with_model(arguments, [&](Session& session, TrainedModel& model) {
    return embed_input(session, model, arguments);
  });
}

}  // namespace lodestone
