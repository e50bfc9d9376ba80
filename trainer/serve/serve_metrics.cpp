#include "trainer/serve/serve_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "trainer/http/process_metrics.h"

namespace lodestone::serve {

namespace {

const prometheus::Histogram::BucketBoundaries kSeconds{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10};
const prometheus::Histogram::BucketBoundaries kRows{1, 2, 4, 8, 16, 32, 64, 128, 256};

}  // namespace

struct ServeMetrics::Impl {
  std::function<int64_t()> waiting_now;
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                                          .Name("lodestone_serve_requests_total")
                                                          .Help("Requests answered, by path and status.")
                                                          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("lodestone_serve_request_seconds")
          .Help("Seconds from a request's headers to its answer.")
          .Register(registry);
  prometheus::Histogram& rows = prometheus::BuildHistogram()
                                    .Name("lodestone_serve_batch_rows")
                                    .Help("Images and texts in a forward pass.")
                                    .Register(registry)
                                    .Add({}, kRows);
  prometheus::Gauge& waiting = prometheus::BuildGauge()
                                   .Name("lodestone_serve_waiting_rows")
                                   .Help("Images and texts that wait for a forward pass.")
                                   .Register(registry)
                                   .Add({});
  http::ProcessMetrics process{registry};
};

ServeMetrics::ServeMetrics(std::function<int64_t()> waiting) : impl_(std::make_unique<Impl>()) {
  impl_->waiting_now = std::move(waiting);
}

ServeMetrics::~ServeMetrics() = default;

void ServeMetrics::answered(const std::string& path, int status, double seconds) {
  impl_->requests.Add({{"path", path}, {"status", std::to_string(status)}}).Increment();
  impl_->seconds.Add({{"path", path}}, kSeconds).Observe(seconds);
}

void ServeMetrics::embedded(int64_t rows) {
  impl_->rows.Observe(static_cast<double>(rows));
}

std::string ServeMetrics::text() const {
  impl_->process.update();
  impl_->waiting.Set(static_cast<double>(impl_->waiting_now()));
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace lodestone::serve
