#include <algorithm>
#include <iostream>
#include <optional>
#include <utility>

#include "common/parallel.h"
#include "trainer/commands/reload_signal.h"
#include "trainer/commands/served_run.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/faults/signals.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/coordinator/warn.h"
#include "trainer/run/ranks.h"
#include "trainer/run/trained_model.h"
#include "trainer/serve/live_model.h"
#include "trainer/serve/request.h"
#include "trainer/serve/service.h"

namespace lodestone::commands {

namespace {

struct ServeArguments {
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string gallery;
  bool allow_enroll = false;
  int64_t max_gallery_rows = serve::GalleryLimits().rows;
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

http::HttpOptions http_options(const ServeArguments& arguments) {
  http::HttpOptions options;
  options.address = arguments.address;
  options.port = arguments.port;
  if (!arguments.token_file.empty())
    options.authorization =
        http::bearer_authorization(http::read_secret(arguments.token_file, "--token-file"));
  options.certificate = arguments.certificate;
  options.settings = "--address or --port (0: any free port)";
  options.certificate_setting = "--certificate";
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

// A gallery that does not exist yet can only be one that clients fill.
std::optional<serve::GalleryStore> gallery_store(const ServeArguments& arguments, bool changes) {
  if (arguments.gallery.empty()) return {};
  serve::GalleryStore store(arguments.gallery, {.rows = arguments.max_gallery_rows});
  if (!changes && !store.exists())
    throw ConfigError("--gallery: expected a file, got " + arguments.gallery +
                      ", which does not exist; clients may fill it with --token-file or --allow-enroll");
  return store;
}

void print_address(const http::HttpOptions& options, int port) {
  const bool six = options.address.find(':') != std::string::npos;
  std::cout << "serving at " << (options.certificate.empty() ? "http" : "https") << "://" << (six ? "[" : "")
            << options.address << (six ? "]" : "") << ':' << port << std::endl;
}

/// Loads the newest model of a run whenever it is asked to; the first one is loaded already.
/// Owns      no model: the former one is freed when its last request ends
class ModelLoader {
 public:
  ModelLoader(const ServeArguments& arguments, const run::Tables& tables,
              const coordinator::RunContext& context, std::shared_ptr<run::TrainedModel> first)
      : arguments_(arguments),
        tables_(tables),
        context_(context),
        workers_(embedding_workers(*first, context)),
        first_(std::move(first)) {}

  int64_t workers() const { return workers_; }
  std::shared_ptr<const serve::ServedModel> load() {
    std::shared_ptr<run::TrainedModel> model = std::exchange(first_, nullptr);
    if (!model)
      model = std::make_shared<run::TrainedModel>(tables_, arguments_.model, arguments_.assignments,
                                                  arguments_.allow_code);
    return commands::served_model(std::move(model), context_, workers_);
  }

 private:
  const ServeArguments& arguments_;
  const run::Tables& tables_;
  const coordinator::RunContext& context_;
  const int64_t workers_;
  std::shared_ptr<run::TrainedModel> first_;
};

void report_reload(const http::HttpAnswer& answer, Logger& log) {
  if (answer.status == 200) log.info("reloaded: {}", answer.body.substr(0, answer.body.size() - 1));
}

int serve_requests(const ServeArguments& arguments, const http::HttpOptions& options, ModelLoader& loader,
                   Logger& log) {
  const bool changes = !options.authorization.empty() || arguments.allow_enroll;
  serve::LiveModel live([&] { return loader.load(); }, gallery_store(arguments, changes),
                        image_limits(arguments));
  serve::Batcher batcher(arguments.batch_rows, arguments.waiting_rows, loader.workers());
  serve::Service service(live, batcher,
                         {.patience = milliseconds(arguments.timeout),
                          .images = image_limits(arguments),
                          .changes = changes,
                          .warn = options.warn});
  const coordinator::StopSignals signals;
  const ReloadSignal reload([&] { report_reload(service.reload(), log); });
  const http::HttpServer server(
      options, [&](const std::string& path) { return service.route(path); },
      [&](const std::string& path, int status, double seconds) {
        service.metrics().answered(path, status, seconds);
      });
  print_address(options, server.port());
  parallel_ranges(loader.workers(), 1, [&](int64_t, int64_t) {
    batcher.run([&] { return signals.stop_requested() || reload.stop_requested(); },
                [&](int64_t rows) { service.metrics().embedded(rows); });
  });
  return kDone;
}

int run_serve(const ServeArguments& arguments, const run::Tables& tables) {
  check_limits(arguments);
  http::HttpOptions options = http_options(arguments);
  auto model = std::make_shared<run::TrainedModel>(tables, arguments.model, arguments.assignments,
                                                   arguments.allow_code);
  return run::run_on_ranks(model->config(), [&](coordinator::RunContext& context) {
    run::check_alone(context, "serve");
    warn_of_open_secrets(arguments, *context.log);
    options.warn = coordinator::warn_to(context.log);
    ModelLoader loader(arguments, tables, context, std::move(model));
    return serve_requests(arguments, options, loader, *context.log);
  });
}

}  // namespace

void add_serve(CLI::App* serve, Action& action) {
  auto arguments = on<ServeArguments>(serve, action, run_serve);
  add_model(serve, arguments->model)->required();
  add_path(serve, "--gallery", arguments->gallery,
           "Embeddings of this model to search, and identities to find and enrol (*.safetensors); with "
           "--token-file or --allow-enroll it may be a new file");
  serve->add_flag("--allow-enroll", arguments->allow_enroll,
                  "Without --token-file: let every client, all of which are on this host, change the gallery "
                  "and reload");
  serve
      ->add_option("--max-gallery-rows", arguments->max_gallery_rows,
                   "Largest number of photographs of all identities that clients can enrol")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
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
