#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sampler/augment/transforms.h"
#include "trainer/eval/rows.h"
#include "trainer/http/http_server.h"
#include "trainer/search/calibration.h"
#include "trainer/search/embeddings.h"
#include "trainer/serve/batcher.h"
#include "trainer/serve/byte_budget.h"
#include "trainer/serve/image_reader.h"
#include "trainer/serve/request.h"
#include "trainer/serve/serve_metrics.h"

namespace lodestone::serve {

/// Properties of the model that the service needs besides the embeddings.
struct ServedModel {
  /// Preprocessing of images; unset: the model does not embed images.
  std::optional<sampler::ImageTransform> images;
  /// Whether the model embeds texts.
  bool texts = false;
  eval::Similarity similarity = eval::Similarity::kCosine;
  int64_t step = 0;
  /// Unset: verdicts are null.
  std::optional<search::Calibration> calibration;
  /// Unset: no search.
  std::optional<search::Embeddings> gallery;
};

/// The routes of `lodestone serve`, which openapi.json describes.
/// Threads   route(), the routes and metrics are safe concurrently
class Service {
 public:
  /// A request is answered or refused within about `patience`: it waits no longer for memory and the batcher,
  /// and starts to decode no image after that.
  /// Requires  `batcher` outlives the service
  Service(ServedModel model, Batcher& batcher, std::chrono::milliseconds patience,
          const ImageLimits& limits = {});

  /// The route at a path, null if there is none. It lives as long as the service.
  const http::HttpRoute* route(const std::string& path) const;
  ServeMetrics& metrics() { return metrics_; }
  /// Largest memory reserved for images at the same time.
  int64_t peak_bytes() const { return memory_.peak(); }

 private:
  http::HttpAnswer embed(const std::string& body);
  http::HttpAnswer search(const std::string& body);
  http::HttpAnswer verify(const std::string& body);
  http::HttpAnswer health() const;
  at::Tensor embeddings_of(const ServeRequest& request);
  void check_kinds(const ServeRequest& request) const;
  std::optional<ByteBudget::Lease> take_memory(const ServeRequest& request,
                                               std::chrono::steady_clock::time_point deadline);

  const ServedModel model_;
  Batcher& batcher_;
  const std::chrono::milliseconds patience_;
  std::optional<ImageReader> images_;
  ByteBudget memory_;
  std::optional<eval::ComparableRows> gallery_rows_;
  std::mutex searching_;  ///< serializes searches, since one uses all threads
  ServeMetrics metrics_;
  std::map<std::string, http::HttpRoute> routes_;
};

}  // namespace lodestone::serve
