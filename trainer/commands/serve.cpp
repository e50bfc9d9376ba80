#include <algorithm>
#include <iostream>
#include <optional>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include "common/parallel.h"
#include "sampler/augment/transforms.h"
#include "sampler/texts/text_examples.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/faults/signals.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/coordinator/warn.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/data_kinds/texts_in_memory.h"
#include "trainer/run/run_config.h"
#include "trainer/run/trained_model.h"
#include "trainer/serve/request.h"
#include "trainer/serve/service.h"

namespace lodestone::commands {

namespace {

struct ServeArguments {
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string gallery;
  std::string address = "127.0.0.1";
  int port = 8080;
  std::string token_file;
  std::string certificate;
  int64_t batch_rows = 64;
  int64_t waiting_rows = 256;
  int max_requests = 64;
  int max_per_address = 0;
  int64_t max_body_mib = 16;
  int64_t max_pixels = int64_t{16} << 20;
  int64_t max_request_pixels = int64_t{256} << 20;
  int64_t max_decoded_mib = 1024;
  double timeout = 10;
};

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

/// Embeds samples in memory as the model's evaluation embeds them from files.
/// Threads   as TrainedModel::embed
class SampleEncoder {
 public:
  explicit SampleEncoder(run::TrainedModel& model) : model_(model) {
    const run::RunConfig& config = model.config();
    if (config.data.kind->reads_images())
      transform_.emplace(config.data.image, static_cast<uint64_t>(config.seed));
    if (config.data.kind->reads_texts()) rule_ = run::token_rule(config.data);
  }

  /// Preprocessing of images; nullopt if the model does not embed images.
  const std::optional<sampler::ImageTransform>& transform() const { return transform_; }

  at::Tensor embed(const std::vector<const serve::Sample*>& samples) {
    std::vector<const float*> images;
    std::vector<std::string> texts;
    std::vector<int64_t> image_rows, text_rows;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (const auto* values_CHW = std::get_if<std::vector<float>>(samples[i]))
        images.push_back(values_CHW->data()), image_rows.push_back(static_cast<int64_t>(i));
      else
        texts.push_back(std::get<std::string>(*samples[i])), text_rows.push_back(static_cast<int64_t>(i));
    }
    at::Tensor z_nD =
        at::empty({static_cast<int64_t>(samples.size()), model_.config().encoder->output_dim()});
    if (!images.empty()) put(z_nD, image_rows, stacked(images));
    if (!texts.empty()) put(z_nD, text_rows, tokens(std::move(texts)));
    return z_nD;
  }

 private:
  Features stacked(const std::vector<const float*>& images) const {
    const sampler::ImageTransformConfig& shape = transform_->config();
    at::Tensor x_nCHW = at::empty(
        {static_cast<int64_t>(images.size()), shape.channels, shape.height, shape.width}, at::kFloat);
    float* out = x_nCHW.mutable_data_ptr<float>();
    for (const float* values_CHW : images) out = std::copy_n(values_CHW, transform_->numel(), out);
    return x_nCHW;
  }
  Features tokens(std::vector<std::string> texts) const {
    const auto rows = static_cast<int64_t>(texts.size());
    const sampler::TextExamples examples(std::make_shared<run::TextsInMemory>(std::move(texts)), rule_);
    const auto builder = examples.builder(rows);
    for (int64_t i = 0; i < rows; ++i) builder->add(i, {});
    return builder->finish();
  }
  void put(at::Tensor& z_nD, const std::vector<int64_t>& rows, const Features& features) {
    z_nD.index_copy_(0, at::tensor(rows, at::kLong), model_.embed(features));
  }

  run::TrainedModel& model_;
  std::optional<sampler::ImageTransform> transform_;
  sampler::TokenRule rule_;
};

http::HttpOptions http_options(const ServeArguments& arguments) {
  http::HttpOptions options;
  options.address = arguments.address;
  options.port = arguments.port;
  if (!arguments.token_file.empty())
    options.authorization =
        http::bearer_authorization(http::read_secret(arguments.token_file, "--token-file"));
  options.certificate = arguments.certificate;
  options.settings = "--address, --port or --certificate";
  options.max_requests = arguments.max_requests;
  options.max_per_address = arguments.max_per_address;
  options.max_body = static_cast<size_t>(arguments.max_body_mib) << 20;
  // A request exists three times, as text, as JSON and as files: a quarter of the memory for decoding keeps
  // all of it within that memory.
  options.max_bodies = std::max(options.max_body, (static_cast<size_t>(arguments.max_decoded_mib) << 20) / 4);
  options.patience = milliseconds(arguments.timeout);
  if (options.authorization.empty() && !http::is_loopback(options.address))
    throw ConfigError("--address: expected --token-file with an address that other hosts reach, got " +
                      options.address + " without one; give one, or serve at 127.0.0.1");
  return options;
}

serve::ServedModel served_model(const run::TrainedModel& model,
                                const std::optional<sampler::ImageTransform>& transform,
                                const std::string& gallery, Logger& log) {
  serve::ServedModel served;
  served.images = transform;
  served.texts = model.config().data.kind->reads_texts();
  served.similarity = run::similarity_of(model.config());
  served.step = model.step();
  served.calibration = model.calibration(log);
  if (gallery.empty()) return served;
  served.gallery = search::read_embeddings(gallery);
  model.check_made_here(*served.gallery, gallery);
  return served;
}

serve::ImageLimits image_limits(const ServeArguments& arguments) {
  return {arguments.max_pixels, arguments.max_request_pixels, arguments.max_decoded_mib << 20};
}

// Logged once there is a log.
void warn_of_open_secrets(const ServeArguments& arguments, Logger& log) {
  for (const auto& [file, option] :
       {std::pair(arguments.token_file, "--token-file"), std::pair(arguments.certificate, "--certificate")})
    if (const std::string warning = http::exposed_secret(file, option); !warning.empty())
      log.warn("{}", warning);
}

// Limits of which one would make another unattainable.
void check_limits(const ServeArguments& arguments) {
  image_limits(arguments).check();
  const auto rows = static_cast<int64_t>(serve::RequestLimits().rows);
  if (arguments.waiting_rows < std::max(arguments.batch_rows, rows))
    throw ConfigError("--waiting-rows: expected at least --batch-rows (" +
                      std::to_string(arguments.batch_rows) + "), and " + std::to_string(rows) +
                      ", the rows that a request may have, got " + std::to_string(arguments.waiting_rows) +
                      "; raise it" + (arguments.batch_rows > rows ? ", or lower --batch-rows" : ""));
}

int run_serve(const ServeArguments& arguments, const run::Tables& tables) {
  check_limits(arguments);
  http::HttpOptions options = http_options(arguments);
  return run::with_model(tables, arguments, [&](coordinator::RunContext& context, run::TrainedModel& model) {
    run::check_alone(context, "serve");
    warn_of_open_secrets(arguments, *context.log);
    options.warn = coordinator::warn_to(context.log);
    SampleEncoder encoder(model);
    // On a CPU each thread computes batches of its own: in a forward pass shared by all threads, all wait for
    // the slowest at each layer, and threads that read requests delay all of them.
    const bool apart = context.launch.device().is_cpu() && model.config().encoder->concurrent();
    const int64_t workers = apart ? at::get_num_threads() : 1;
    serve::Batcher batcher(arguments.batch_rows, arguments.waiting_rows, workers);
    serve::Service service(served_model(model, encoder.transform(), arguments.gallery, *context.log), batcher,
                           milliseconds(arguments.timeout), image_limits(arguments));
    const coordinator::StopSignals signals;
    const http::HttpServer server(
        options, [&](const std::string& path) { return service.route(path); },
        [&](const std::string& path, int status, double seconds) {
          service.metrics().answered(path, status, seconds);
        });
    const bool six = options.address.find(':') != std::string::npos;
    std::cout << "serving at " << (options.certificate.empty() ? "http" : "https") << "://"
              << (six ? "[" : "") << options.address << (six ? "]" : "") << ':' << server.port() << std::endl;
    parallel_ranges(workers, 1, [&](int64_t, int64_t) {
      batcher.run([&](const auto& samples) { return encoder.embed(samples); },
                  [&] { return signals.stop_requested(); },
                  [&](int64_t rows) { service.metrics().embedded(rows); });
    });
    return static_cast<int>(kDone);
  });
}

}  // namespace

void add_serve(CLI::App* serve, Action& action) {
  auto arguments = on<ServeArguments>(serve, action, run_serve);
  add_model(serve, arguments->model)->required();
  add_path(serve, "--gallery", arguments->gallery,
           "Embeddings that /search searches, written by this model (*.safetensors)")
      ->check(CLI::ExistingFile);
  serve
      ->add_option("--address", arguments->address,
                   "IP address to listen on; any address other than loopback requires --token-file")
      ->capture_default_str();
  serve->add_option("--port", arguments->port, "TCP port to listen on; 0: any free port")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  add_path(serve, "--token-file", arguments->token_file,
           "File whose first line is the bearer token that clients must send")
      ->check(CLI::ExistingFile);
  add_path(serve, "--certificate", arguments->certificate,
           "PEM file with private key and certificate chain, which enables HTTPS")
      ->check(CLI::ExistingFile);
  serve
      ->add_option("--batch-rows", arguments->batch_rows,
                   "Largest number of images or texts in one forward pass")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  serve
      ->add_option(
          "--waiting-rows", arguments->waiting_rows,
          "Largest number of images or texts waiting for a forward pass; requests beyond it are answered 429")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  serve
      ->add_option("--max-requests", arguments->max_requests,
                   "Largest number of requests in progress; requests beyond it are answered 503")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  serve->add_option("--max-body-mib", arguments->max_body_mib, "Largest size of a request body in MiB")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  serve
      ->add_option("--max-per-address", arguments->max_per_address,
                   "Largest number of connections from one client address; 0: 32 more than --max-requests")
      ->check(CLI::Range(0, 1 << 16))
      ->capture_default_str();
  serve
      ->add_option("--max-pixels", arguments->max_pixels,
                   "Largest number of pixels in an image; a larger image is answered 400")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
  serve
      ->add_option("--max-request-pixels", arguments->max_request_pixels,
                   "Largest number of pixels in all images of one request")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 36))
      ->capture_default_str();
  serve
      ->add_option("--max-decoded-mib", arguments->max_decoded_mib,
                   "Memory in MiB for decoding the images of all requests; requests beyond it wait, and are "
                   "answered 429 if they wait too long")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  serve
      ->add_option(
          "--timeout", arguments->timeout,
          "Time limit in seconds for a client to send its request, and for decoding and embedding it")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  add_set(serve, arguments->assignments);
  add_allow_code(serve, arguments->allow_code);
}

}  // namespace lodestone::commands
