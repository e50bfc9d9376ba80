#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sampler/decode.h"
#include "trainer/eval/rows.h"
#include "trainer/http/http_server.h"
#include "trainer/search/calibration.h"
#include "trainer/search/embeddings.h"
#include "trainer/serve/batcher.h"
#include "trainer/serve/request.h"
#include "trainer/serve/serve_metrics.h"

namespace lodestone {

/// What a service knows of its model beside how to embed.
struct ServedModel {
  bool pictures = true, texts = false;  ///< which kinds it embeds
  DecodeOptions decode;                 ///< of pictures
  Likeness likeness = Likeness::kCosine;
  int64_t step = 0;
  std::optional<Calibration> calibration;  ///< unset: verdicts are null
  std::optional<Embeddings> gallery;       ///< unset: no search
};

/// The routes of `lodestone serve`; assets/openapi.json describes them.
/// Threads   route(), answers and metrics are safe concurrently
class Service {
 public:
  /// `batcher` must outlive the service; a request waits for it `patience` at most.
  Service(ServedModel model, Batcher& batcher, std::chrono::milliseconds patience);

  /// The route at a path; null if there is none. Lives as long as the service.
  const HttpRoute* route(const std::string& path) const;
  ServeMetrics& metrics() { return metrics_; }

 private:
  HttpAnswer embed(const std::string& body);
  HttpAnswer search(const std::string& body);
  HttpAnswer verify(const std::string& body);
  HttpAnswer health() const;
  at::Tensor embeddings_of(const ServeRequest& request);
  Sample sample_of(const RequestInput& input, size_t number) const;

  const ServedModel model_;
  Batcher& batcher_;
  const std::chrono::milliseconds patience_;
  std::optional<ComparableRows> gallery_rows_;
  std::mutex searching_;  // one search takes all threads there are
  ServeMetrics metrics_;
  std::map<std::string, HttpRoute> routes_;
};

}  // namespace lodestone
