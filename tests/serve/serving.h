#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include "sampler/codecs/encode_png.h"
#include "support/http.h"
#include "trainer/report/html.h"
#include "trainer/serve/service.h"

/// A service over real sockets, with a stand-in for the encoder.
namespace lodestone::testing {
using namespace eval;
using namespace http;
using namespace report;
using namespace sampler;
using namespace search;
using namespace serve;

// A direction of its own for each length of a text and each shade of an image.
inline at::Tensor stand_in(const std::vector<const Sample*>& samples) {
  std::vector<at::Tensor> rows;
  for (const Sample* sample : samples) {
    const auto* image = std::get_if<std::vector<float>>(sample);
    const double angle = image ? image->front() * 2.55  // a hundredth of its shade
                               : static_cast<double>(std::get<std::string>(*sample).size());
    rows.push_back(at::tensor({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))}));
  }
  return at::stack(rows);
}

inline ServedModel model() {
  ServedModel model;
  ImageTransformConfig shape;
  shape.width = shape.height = 2;
  shape.mean = {0};
  shape.std = {1};
  model.images.emplace(shape);
  model.texts = true;
  model.step = 7;
  model.calibration = Calibration{0.9, 0.001, 0.001, 1, 7, Similarity::kCosine};
  const Sample one = std::string("x"), two = std::string("xx");
  model.gallery = Embeddings{stand_in({&one, &two}), {{"one.png", "<b>"}, {"two.png", "two"}}, {}};
  return model;
}

class Served {
 public:
  explicit Served(HttpOptions options = {}, int64_t waiting_rows = 256, const ServedModel& served = model(),
                  std::chrono::milliseconds patience = std::chrono::seconds(30),
                  const ImageLimits& limits = {})
      : batcher_(64, waiting_rows),
        service_(served, batcher_, patience, limits),
        server_(
            std::move(options), [this](const std::string& path) { return service_.route(path); },
            [this](const std::string& path, int status, double s) {
              service_.metrics().answered(path, status, s);
            }),
        thread_([this] {
          batcher_.run(
              stand_in, [this] { return stop_.load(); },
              [this](int64_t rows) { service_.metrics().embedded(rows); });
        }) {}
  ~Served() {
    stop_ = true;
    thread_.join();
  }
  int port() const { return server_.port(); }
  int64_t peak_bytes() const { return service_.peak_bytes(); }
  HttpReply post(const std::string& path, const std::string& body) const {
    return http(port(), http_text("POST", path, body));
  }
  HttpReply get(const std::string& path, const std::string& more = "") const {
    return http(port(), http_text("GET", path, "", more));
  }

 private:
  Batcher batcher_;
  Service service_;
  HttpServer server_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

inline std::string image(uint8_t shade, int side = 2) {
  const std::vector<uint8_t> png = encode_png(Image(side, side, 1, shade));
  return base64({reinterpret_cast<const char*>(png.data()), png.size()});
}

}  // namespace lodestone::testing
