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
#include "trainer/serve/picture_reader.h"
#include "trainer/serve/request.h"
#include "trainer/serve/serve_metrics.h"

namespace lodestone {

/// What a service knows of its model beside how to embed.
struct ServedModel {
  std::optional<ImageTransform> pictures;  ///< what its encoder sees of one; unset: it embeds none
  bool texts = false;                      ///< whether it embeds them
  Likeness likeness = Likeness::kCosine;
  int64_t step = 0;
  std::optional<Calibration> calibration;  ///< unset: verdicts are null
  std::optional<Embeddings> gallery;       ///< unset: no search
};

/// The routes of `lodestone serve`; assets/openapi.json describes them.
/// Threads   route(), answers and metrics are safe concurrently
class Service {
 public:
  /// `batcher` must outlive the service. A request is answered within about `patience`, or refused: it waits no longer for memory and
  /// batcher, and begins no picture after it.
  Service(ServedModel model, Batcher& batcher, std::chrono::milliseconds patience,
          const PictureLimits& limits = {});

  /// The route at a path; null if there is none. Lives as long as the service.
  const HttpRoute* route(const std::string& path) const;
  ServeMetrics& metrics() { return metrics_; }
  /// Memory that was set aside for pictures at once, at most.
  int64_t peak_bytes() const { return memory_.peak(); }

 private:
  HttpAnswer embed(const std::string& body);
  HttpAnswer search(const std::string& body);
  HttpAnswer verify(const std::string& body);
  HttpAnswer health() const;
  at::Tensor embeddings_of(const ServeRequest& request);
  void check_kinds(const ServeRequest& request) const;
  std::optional<ByteBudget::Lease> take_memory(const ServeRequest& request,
                                               std::chrono::steady_clock::time_point deadline);

  const ServedModel model_;
  Batcher& batcher_;
  const std::chrono::milliseconds patience_;
  std::optional<PictureReader> pictures_;
  ByteBudget memory_;
  std::optional<ComparableRows> gallery_rows_;
  std::mutex searching_;  // one search takes all threads there are
  ServeMetrics metrics_;
  std::map<std::string, HttpRoute> routes_;
};

}  // namespace lodestone
