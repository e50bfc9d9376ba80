#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>

#include <ATen/ops/empty.h>

#include "common/files.h"
#include "common/paths.h"
#include "common/yaml.h"
#include "sampler/samplers/range_sampler.h"
#include "sampler/samples_hash.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/metrics/progress.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/run_config.h"
#include "trainer/run/trained_model.h"
#include "trainer/search/embedding_writer.h"

namespace lodestone::commands {

namespace {

struct EmbedArguments {
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string input;
  std::string output;
};

using Clock = std::chrono::steady_clock;

constexpr int64_t kRows = 256;  // rows of a rank's batch
constexpr std::chrono::seconds kSavedEvery(5);

coordinator::ProgressStyle of_rows(const Log& log) {
  coordinator::ProgressStyle style = coordinator::ProgressStyle::for_stderr(log);
  style.unit = "rows";
  style.step = "row";
  return style;
}

/// Shows the rows done and rows per second, and saves the writer's position at intervals.
/// Ranks     rank 0
class Recorder {
 public:
  Recorder(search::EmbeddingPlan plan, const Log& log)
      : total_(plan.rows),
        writer_(std::move(plan)),
        first_(writer_.done()),
        progress_(std::cerr, first_, total_, of_rows(log)) {
    if (first_ > 0) log->info("resuming after {} of {} rows", first_, total_);
  }

  int64_t done() const { return writer_.done(); }

  int64_t left_out() const { return writer_.left_out(); }

  /// The rows of the next `asked` samples, without those that could not be read.
  void take(const at::Tensor& z_nD, const std::vector<int64_t>& samples, int64_t asked,
            const run::Input& input) {
    std::vector<search::EmbeddedRow> rows;
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
  search::EmbeddingWriter writer_;
  int64_t first_;
  coordinator::Progress progress_;
  Clock::time_point start_ = Clock::now(), saved_ = start_;
};

std::vector<int64_t> gathered(const coordinator::RunContext& context, const std::vector<int64_t>& mine) {
  at::Tensor mine_b = at::empty({static_cast<int64_t>(mine.size())}, at::kLong);
  std::copy(mine.begin(), mine.end(), mine_b.mutable_data_ptr<int64_t>());
  const at::Tensor all_n = context.world.all_gather(mine_b.to(context.launch.device())).cpu().contiguous();
  const int64_t* all = all_n.const_data_ptr<int64_t>();
  return {all, all + all_n.numel()};
}

// Each round is one batch shared by all ranks, in the order of the data, so that a single number says what is
// done for any number of ranks.
void embed_rounds(coordinator::RunContext& context, run::TrainedModel& model, const run::Input& input,
                  Recorder* recorder) {
  const int64_t rows = input.dataset().size();
  const int64_t done =
      std::stoll(context.world.broadcast_text(recorder ? std::to_string(recorder->done()) : ""));
  if (done == rows) return;
  auto sampler = std::make_shared<sampler::RangeSampler>(
      input.examples->dataset(), sampler::Range{done, rows}, kRows * context.world.size());
  sampler::LoaderConfig loading = model.config().data.loader;
  loading.leave_out = true;
  run::BadRecordReporter reporter(rows, loading.bad_records);
  const int64_t rounds = sampler->batches_per_epoch();
  sampler::Loader loader(input.examples, std::move(sampler), {context.world.rank(), context.world.size()},
                         loading, 0, {},
                         /*augment=*/false, rounds);
  while (loader.has_next()) {
    const sampler::Batch batch = loader.next();
    const at::Tensor z_nD = model.embed(batch.features).to(context.launch.device());
    const at::Tensor all_nD = context.world.all_gather(z_nD).cpu().contiguous();
    const std::vector<int64_t> samples = gathered(context, batch.indices);
    const auto missing = batch.global_rows - static_cast<int64_t>(samples.size());
    if (missing > 0) {
      const auto messages = reporter.report(context.world, loader.take_bad_records());
      for (const std::string& message : messages)
        if (recorder) context.log->warn("left out a bad record: {}", message);
    }
    if (recorder) recorder->take(all_nD, samples, batch.global_rows, input);
  }
}

// A hash of all samples in their order, and of the settings of the data.
std::string described(run::RunConfig& config, const sampler::Dataset& data) {
  std::string text = write_yaml([&](Fields& f) { config.data.visit(f); });
  return checksum(text + std::to_string(sampler::samples_hash(data)));
}

int embed_input(coordinator::RunContext& context, run::TrainedModel& model, const EmbedArguments& arguments) {
  const run::Input input = run::open_input(model.config(), arguments.input);
  run::report_left_out(context, input.source, input.dataset());
  const Replacement replacement(arguments.output);
  std::optional<Recorder> recorder;
  if (context.is_main_rank()) {
    recorder.emplace(
        search::EmbeddingPlan{arguments.output, input.dataset().size(), model.config().encoder->output_dim(),
                              model.about(absolute_path(input.source).string()),
                              described(model.config(), input.dataset())},
        context.log);
  }
  embed_rounds(context, model, input, recorder ? &*recorder : nullptr);
  if (recorder) {
    recorder->finish();
    replacement.report(*context.log);
    const int64_t left_out = recorder->left_out();
    std::cout << arguments.output << ": " << input.dataset().size() - left_out << " embeddings of width "
              << model.config().encoder->output_dim() << run::left_out_note(left_out) << std::endl;
  }
  return kDone;
}

int run_embed(const EmbedArguments& arguments, const run::Tables& tables) {
  return run::with_model(tables, arguments, [&](coordinator::RunContext& context, run::TrainedModel& model) {
    return embed_input(context, model, arguments);
  });
}

}  // namespace

void add_embed(CLI::App* embed, Action& action) {
  auto arguments = on<EmbedArguments>(embed, action, run_embed);
  add_model(embed, arguments->model)->required();
  add_input(embed, arguments->input,
            "Image, folder, list, shards or text file to embed (default: evaluate.data)");
  add_output(embed, arguments->output, "File for the embeddings: *.safetensors, *.npy or *.jsonl");
  add_set(embed, arguments->assignments);
  add_allow_code(embed, arguments->allow_code);
}

}  // namespace lodestone::commands
