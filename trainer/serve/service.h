#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "trainer/http/http_server.h"
#include "trainer/serve/batcher.h"
#include "trainer/serve/identity_paths.h"
#include "trainer/serve/image_reader.h"
#include "trainer/serve/input_embedder.h"
#include "trainer/serve/live_model.h"
#include "trainer/serve/serve_metrics.h"
#include "trainer/serve/text_paths.h"

namespace lodestone::serve {

struct ServiceOptions {
  /// A request is answered or refused within about this time.
  std::chrono::milliseconds patience = std::chrono::seconds(10);
  ImageLimits images = {};
  /// Whether clients may change the gallery and reload.
  bool changes = false;
  /// Receives what the operator should know, such as a gallery file that cannot be written.
  std::function<void(const std::string&)> warn = {};
};

/// The routes of `lodestone serve`, which openapi.json describes.
/// Threads   route(), the routes, reload() and metrics are safe concurrently
class Service {
 public:
  /// Requires  `live` and `batcher` outlive the service
  Service(LiveModel& live, Batcher& batcher, ServiceOptions options);

  /// The route at a path, null if there is none. It lives as long as the service.
  const http::HttpRoute* route(const std::string& path) const;
  ServeMetrics& metrics() { return metrics_; }
  /// Serves the newest model and gallery, or reports why the former ones stay.
  /// Returns   the answer of POST /reload
  http::HttpAnswer reload();
  /// Largest memory reserved for images at the same time.
  int64_t peak_bytes() const { return embedder_.peak_bytes(); }

 private:
  using Answer = std::function<http::HttpAnswer(const http::HttpRequest&)>;

  http::HttpRoute work(Answer answer) const;
  http::HttpAnswer failure(const std::exception_ptr& error,
                           const http::HttpErrorForm& form = http::http_error) const;
  /// The answer of make(), or that for its exception.
  template <typename Make>
  http::HttpAnswer guarded(const Make& make, const http::HttpErrorForm& form = http::http_error) const {
    try {
      return make();
    } catch (...) {
      return failure(std::current_exception(), form);
    }
  }
  void add_openai_routes();
  http::HttpRoute change(Answer answer) const;
  http::HttpRoute gallery_route();
  void warn(const std::string& sentence) const;
  bool embed(const http::HttpRequest& request, const http::HttpDone& done, bool at_once);
  http::HttpAnswer search(const http::HttpRequest& request);
  http::HttpAnswer verify(const http::HttpRequest& request);
  http::HttpAnswer model() const;
  http::HttpAnswer health() const;

  LiveModel& live_;
  const ServiceOptions options_;
  InputEmbedder embedder_;
  std::mutex searching_;  ///< serializes searches, since one uses all threads
  IdentityPaths identities_;
  TextPaths texts_;
  ServeMetrics metrics_;
  std::map<std::string, http::HttpRoute> routes_;
};

}  // namespace lodestone::serve
