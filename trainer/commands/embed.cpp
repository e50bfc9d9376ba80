#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>

#include "common/files.h"
#include "common/parallel.h"
#include "common/paths.h"
#include "common/yaml.h"
#include "sampler/codecs/thumbnail.h"
#include "sampler/samplers/range_sampler.h"
#include "sampler/samples_hash.h"
#include "trainer/commands/next_step.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/metrics/progress.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/eval/sharing.h"
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
  bool no_texts = false;
  int thumbnail_side = 0;

  run::StoredContent stored() const { return {.text = !no_texts, .thumbnail_side = thumbnail_side}; }
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
  void take(const at::Tensor& z_nD, const std::vector<search::EmbeddedRow>& rows, int64_t asked) {
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

// The rows of all ranks' samples, in rank order. Each rank reads the texts and images of its own.
std::vector<search::EmbeddedRow> rows_of_ranks(const coordinator::RunContext& context,
                                               const std::vector<int64_t>& own, const run::Input& input,
                                               const run::StoredContent& stored) {
  std::vector<std::string> lines(own.size());
  parallel_ranges(static_cast<int64_t>(own.size()), 8, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      lines[i] = search::row_line(input.row(own[i], stored));
  });
  std::vector<char> text;
  for (const std::string& line : lines) text.insert(text.end(), line.begin(), line.end());
  const std::vector<char> all = eval::gather_items(context.world, std::move(text));
  return search::rows_of_lines({all.begin(), all.end()});
}

// Each round is one batch shared by all ranks, in the order of the data, so that a single number says what is
// done for any number of ranks.
void embed_rounds(coordinator::RunContext& context, run::TrainedModel& model, const run::Input& input,
                  const run::StoredContent& stored, Recorder* recorder) {
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
    const auto all_rows = rows_of_ranks(context, batch.indices, input, stored);
    if (all_nD.size(0) < batch.global_rows) {
      const auto messages = reporter.report(context.world, loader.take_bad_records());
      for (const std::string& message : messages)
        if (recorder) context.log->warn("left out a bad record: {}", message);
    }
    if (recorder) recorder->take(all_nD, all_rows, batch.global_rows);
  }
}

// A hash of all samples in their order, of the settings of the data, and of what is stored.
std::string described(run::RunConfig& config, const run::Input& input, const run::StoredContent& stored) {
  std::string text = write_yaml([&](Fields& f) { config.data.visit(f); });
  text += std::to_string(sampler::samples_hash(input.dataset()));
  if (input.has_text() && stored.text) text += " with texts";
  if (stored.thumbnail_side > 0) text += " with thumbnails of " + std::to_string(stored.thumbnail_side);
  return checksum(text);
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
                              described(model.config(), input, arguments.stored())},
        context.log);
  }
  embed_rounds(context, model, input, arguments.stored(), recorder ? &*recorder : nullptr);
  if (recorder) {
    recorder->finish();
    replacement.report(*context.log);
    const int64_t left_out = recorder->left_out();
    std::cout << arguments.output << ": " << input.dataset().size() - left_out << " embeddings of width "
              << model.config().encoder->output_dim()
              << (input.has_text() && !arguments.no_texts ? ", with their texts" : "")
              << run::left_out_note(left_out) << std::endl;
    // The other forms are for other programs.
    if (std::filesystem::path(arguments.output).extension() == ".safetensors")
      log_next(*context.log, {"search", arguments.model, "--gallery", arguments.output, "--input", "QUERY"});
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
  add_output(embed, arguments->output, "File for the embeddings: " + search::embedding_file_names());
  embed->add_flag("--no-texts", arguments->no_texts,
                  "Store no texts and captions beside the embeddings; then answers show only where they are");
  embed
      ->add_option("--thumbnails", arguments->thumbnail_side,
                   "Longest side in pixels of a thumbnail that is stored for each image; 0: none")
      ->check(CLI::Range(0, sampler::kThumbnailSide))
      ->capture_default_str();
  add_set(embed, arguments->assignments);
  add_allow_code(embed, arguments->allow_code);
}

}  // namespace lodestone::commands
