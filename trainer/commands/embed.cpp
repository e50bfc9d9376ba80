#include <chrono>
#include <iostream>
#include <optional>

#include "sampler/range_sampler.h"
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

ProgressStyle of_rows() {
  ProgressStyle style = ProgressStyle::for_stderr();
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
        progress_(std::cerr, first_, total_, of_rows()) {
    if (first_ > 0) log->info("going on after {} of {} rows", first_, total_);
  }

  int64_t done() const { return writer_.done(); }

  void take(const at::Tensor& z_nD, const Input& input) {
    std::vector<EmbeddedRow> rows;
    for (int64_t i = 0; i < z_nD.size(0); ++i) rows.push_back(input.row(writer_.done() + i));
    writer_.append(z_nD, rows);
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

// Each round is a batch that all ranks share, in the order of the data: what is done is one number, whatever the world.
void embed_rounds(Session& session, TrainedModel& model, const Input& input, Recorder* recorder) {
  const int64_t rows = input.dataset().size();
  const int64_t done =
      std::stoll(session.world.broadcast_text(recorder ? std::to_string(recorder->done()) : ""));
  if (done == rows) return;
  auto sampler = std::make_shared<RangeSampler>(input.examples->dataset(), Range{done, rows},
                                                kRows * session.world.size());
  LoaderConfig loading = model.config().data.loader;
  loading.bad_records.on_bad_record = "fail";
  const int64_t rounds = sampler->batches_per_epoch();
  Loader loader(input.examples, std::move(sampler), {session.world.rank(), session.world.size()},
                std::move(loading), 0, {},
                /*augment=*/false, rounds);
  while (loader.has_next()) {
    const at::Tensor z_nD = model.embed(loader.next().features).to(session.launch.device());
    const at::Tensor all_nD = session.world.all_gather(z_nD).cpu().contiguous();
    if (recorder) recorder->take(all_nD, input);
  }
}

int embed_input(Session& session, TrainedModel& model, const EmbedArguments& arguments) {
  const Input input = open_input(model.config(), arguments.input);
  std::optional<Recorder> recorder;
  if (session.leads())
    recorder.emplace(
        EmbeddingPlan{arguments.output, input.dataset().size(), model.config().encoder->output_dim(),
                      model.about(std::filesystem::absolute(input.source).string())},
        session.log);
  embed_rounds(session, model, input, recorder ? &*recorder : nullptr);
  if (recorder) {
    recorder->finish();
    std::cout << arguments.output << ": " << input.dataset().size() << " embeddings of width "
              << model.config().encoder->output_dim() << std::endl;
  }
  return kDone;
}

}  // namespace

int run_embed(const EmbedArguments& arguments) {
  return with_model(arguments.run, arguments.assignments, [&](Session& session, TrainedModel& model) {
    return embed_input(session, model, arguments);
  });
}

}  // namespace lodestone
