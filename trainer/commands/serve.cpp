#include <iostream>
#include <optional>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include "common/parallel.h"
#include "sampler/image_examples.h"
#include "sampler/texts/text_examples.h"
#include "trainer/commands/command.h"
#include "trainer/commands/evaluation.h"
#include "trainer/commands/samples_in_memory.h"
#include "trainer/commands/text_data.h"
#include "trainer/commands/trained_model.h"
#include "trainer/coordinator/signals.h"
#include "trainer/serve/service.h"

namespace lodestone {

namespace {

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

bool reads_pictures(const RunConfig& config) {
  return config.data.kind != "texts";
}
bool reads_texts(const RunConfig& config) {
  return config.data.kind != "images";
}

/// Embeds what lies in memory as the model's evaluation would embed it from files.
/// Threads   as TrainedModel::embed
class SampleEncoder {
 public:
  explicit SampleEncoder(TrainedModel& model) : model_(model) {
    const RunConfig& config = model.config();
    if (reads_pictures(config)) transform_.emplace(config.data.image, static_cast<uint64_t>(config.seed));
    if (reads_texts(config)) rule_ = token_rule(config.data);
  }

  DecodeOptions decode() const { return transform_ ? transform_->decode_options() : DecodeOptions(); }

  at::Tensor embed(const std::vector<const Sample*>& samples) {
    std::vector<Image> pictures;
    std::vector<std::string> texts;
    std::vector<int64_t> picture_rows, text_rows;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (const auto* picture = std::get_if<Image>(samples[i]))
        pictures.push_back(*picture), picture_rows.push_back(static_cast<int64_t>(i));
      else
        texts.push_back(std::get<std::string>(*samples[i])), text_rows.push_back(static_cast<int64_t>(i));
    }
    at::Tensor z_nD =
        at::empty({static_cast<int64_t>(samples.size()), model_.config().encoder->output_dim()});
    if (!pictures.empty())
      put(z_nD, picture_rows,
          ImageExamples(std::make_shared<ImagesInMemory>(std::move(pictures)), *transform_));
    if (!texts.empty())
      put(z_nD, text_rows, TextExamples(std::make_shared<TextsInMemory>(std::move(texts)), rule_));
    return z_nD;
  }

 private:
  void put(at::Tensor& z_nD, const std::vector<int64_t>& rows, const Examples& examples) {
    const auto builder = examples.builder(static_cast<int64_t>(rows.size()));
    for (int64_t i = 0; i < examples.dataset()->size(); ++i) builder->add(i, {});
    z_nD.index_copy_(0, at::tensor(rows, at::kLong), model_.embed(builder->finish()));
  }

  TrainedModel& model_;
  std::optional<ImageTransform> transform_;
  TokenRule rule_;
};

HttpOptions http_options(const ServeArguments& arguments) {
  HttpOptions options;
  options.address = arguments.address;
  options.port = arguments.port;
  if (!arguments.token_file.empty())
    options.authorization = bearer_authorization(read_secret(arguments.token_file, "--token-file"));
  options.certificate = arguments.certificate;
  options.settings = "--address, --port or --certificate";
  options.max_requests = arguments.max_requests;
  options.max_body = static_cast<size_t>(arguments.max_body_mib) << 20;
  options.patience = milliseconds(arguments.timeout);
  if (options.authorization.empty() && options.address != "127.0.0.1" && options.address != "::1")
    throw ConfigError("--address: expected --token-file with an address that others reach, got " +
                      options.address + " without one; give one, or serve at 127.0.0.1");
  return options;
}

ServedModel served_model(const TrainedModel& model, const DecodeOptions& decode, const std::string& gallery,
                         Logger& log) {
  ServedModel served;
  served.pictures = reads_pictures(model.config());
  served.texts = reads_texts(model.config());
  served.decode = decode;
  served.likeness = likeness_of(model.config());
  served.step = model.checkpoint().step;
  served.calibration = model.calibration(log);
  if (gallery.empty()) return served;
  served.gallery = read_embeddings(gallery);
  model.check_made_here(*served.gallery, gallery);
  return served;
}

}  // namespace

int run_serve(const ServeArguments& arguments) {
  const HttpOptions options = http_options(arguments);
  return with_model(arguments.run, arguments.assignments, [&](Session& session, TrainedModel& model) {
    check_alone(session, "serve");
    SampleEncoder encoder(model);
    // On a CPU each thread computes batches of its own: in a forward that all share, all wait for the last at each layer, and
    // whoever reads requests holds them all up.
    const bool apart = session.launch.device().is_cpu() && model.config().encoder->concurrent();
    const int64_t workers = apart ? at::get_num_threads() : 1;
    Batcher batcher(arguments.batch_rows, arguments.waiting_rows, workers);
    Service service(served_model(model, encoder.decode(), arguments.gallery, *session.log), batcher,
                    milliseconds(arguments.timeout));
    const StopSignals signals;
    const HttpServer server(
        options, [&](const std::string& path) { return service.route(path); },
        [&](const std::string& path, int status, double seconds) {
          service.metrics().answered(path, status, seconds);
        });
    const bool six = options.address.find(':') != std::string::npos;
    std::cout << "serving at " << (options.certificate.empty() ? "http" : "https") << "://"
              << (six ? "[" : "") << options.address << (six ? "]" : "") << ':' << server.port() << std::endl;
    parallel_stretches(workers, 1, [&](int64_t, int64_t) {
      batcher.run([&](const auto& samples) { return encoder.embed(samples); },
                  [&] { return signals.stop_requested(); },
                  [&](int64_t rows) { service.metrics().embedded(rows); });
    });
    return static_cast<int>(kDone);
  });
}

}  // namespace lodestone
