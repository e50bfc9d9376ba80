#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include "common/error.h"
#include "common/files.h"
#include "sampler/codecs/encode_png.h"
#include "sampler/tokenizers/tokenizer.h"
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

/// A token for each byte.
class Bytes : public Tokenizer {
 public:
  std::vector<int64_t> encode(std::string_view text, int64_t max_tokens) const override {
    text = text.substr(0, static_cast<size_t>(max_tokens));
    return {text.begin(), text.end()};
  }
  int64_t vocabulary() const override { return 128; }
  int64_t padding() const override { return 0; }
  std::string token(int64_t id) const override { return {static_cast<char>(id)}; }
};

// A direction of its own for each length of a text and each shade of an image.
inline at::Tensor stand_in(const std::vector<const Sample*>& samples) {
  std::vector<at::Tensor> rows;
  for (const Sample* sample : samples) {
    const auto* image = std::get_if<std::vector<float>>(sample);
    const double angle = image ? image->front() * 2.55  // a hundredth of its shade
                               : static_cast<double>(std::holds_alternative<std::string>(*sample)
                                                         ? std::get<std::string>(*sample).size()
                                                         : std::get<std::vector<int64_t>>(*sample).size());
    rows.push_back(at::tensor({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))}));
  }
  return at::stack(rows);
}

inline ServedModel model() {
  ServedModel model;
  model.run = "metro";
  model.kind = "images";
  ImageTransformConfig shape;
  shape.width = shape.height = 2;
  shape.mean = {0};
  shape.std = {1};
  model.images.emplace(shape);
  model.texts = true;
  model.tokens = {std::make_shared<Bytes>(), 100};
  model.unit_rows = true;
  model.loaded = 1'700'000'000;
  model.step = 7;
  model.width = 2;
  model.calibration = Calibration{0.9, 0.001, 0.001, 1, 7, Similarity::kCosine};
  model.metrics = {{"recall_at_1", "Recall@1", 0.5, true}};
  model.about = {{"likeness", "cosine"}, {"model", "a"}};
  model.embed = std::make_shared<const Batcher::Forward>(stand_in);
  return model;
}

/// Two rows, by model().
inline Embeddings two_rows() {
  const Sample one = std::string("x"), two = std::string("xx");
  return {stand_in({&one, &two}), {{"one.png", "<b>"}, {"two.png", "two"}}, model().about};
}

/// How a Served is made.
struct Serving {
  HttpOptions http = {};
  int64_t waiting_rows = 256;
  ServedModel model = testing::model();
  std::optional<Embeddings> gallery = two_rows();  ///< unset: none, not even a file
  std::chrono::milliseconds patience = std::chrono::seconds(30);
  ImageLimits images = {};
  GalleryLimits rows = {};
  bool changes = true;
};

class Served {
 public:
  explicit Served(const Serving& how = {})
      : next_(how.model),
        store_(store_of(how)),
        live_([this] { return load(); }, store_, how.images),
        batcher_(64, how.waiting_rows),
        service_(live_, batcher_, options_of(how)),
        server_(
            how.http, [this](const std::string& path) { return service_.route(path); },
            [this](const std::string& path, int status, double s) {
              service_.metrics().answered(path, status, s);
            }),
        thread_([this] {
          batcher_.run([this] { return stop_.load(); },
                       [this](int64_t rows) { service_.metrics().embedded(rows); });
        }) {}
  explicit Served(HttpOptions http) : Served(Serving{.http = std::move(http)}) {}
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
  HttpReply remove(const std::string& path, const std::string& more = "") const {
    return http(port(), http_text("DELETE", path, "", more));
  }
  /// The file of the gallery.
  std::filesystem::path gallery() const { return folder_.path() / "gallery.safetensors"; }
  /// The model of the next reload; unset: it cannot be loaded.
  void train(std::optional<ServedModel> model) {
    const std::scoped_lock lock(mutex_);
    next_ = std::move(model);
  }
  /// What the operator reads.
  std::string warnings() const {
    const std::scoped_lock lock(mutex_);
    return warnings_;
  }

 private:
  std::shared_ptr<const ServedModel> load() const {
    const std::scoped_lock lock(mutex_);
    if (!next_) throw CheckpointError("no checkpoint is intact");
    return std::make_shared<const ServedModel>(*next_);
  }
  std::optional<GalleryStore> store_of(const Serving& how) const {
    if (!how.gallery) return {};
    if (how.gallery->size() > 0) write_embeddings(gallery(), *how.gallery);
    return GalleryStore(gallery(), how.rows);
  }
  ServiceOptions options_of(const Serving& how) {
    return {.patience = how.patience,
            .images = how.images,
            .changes = how.changes,
            .warn = [this](const std::string& sentence) {
              const std::scoped_lock lock(mutex_);
              warnings_ += sentence + "\n";
            }};
  }

  const TempFolder folder_;
  mutable std::mutex mutex_;
  std::optional<ServedModel> next_;
  std::string warnings_;
  std::optional<GalleryStore> store_;
  LiveModel live_;
  Batcher batcher_;
  Service service_;
  HttpServer server_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// A field of a form.
struct FormField {
  std::string name, value, file{};
};

inline const std::string kJsonType = "Content-Type: application/json\r\n";
inline const std::string kFormType = "Content-Type: multipart/form-data; boundary=----x\r\n";

inline std::string form(const std::vector<FormField>& fields) {
  std::string body;
  for (const FormField& field : fields)
    body += "------x\r\nContent-Disposition: form-data; name=\"" + field.name + "\"" +
            (field.file.empty() ? "" : "; filename=\"" + field.file + "\"\r\nContent-Type: image/png") +
            "\r\n\r\n" + field.value + "\r\n";
  return body + "------x--\r\n";
}

inline std::string png(uint8_t shade, int side = 2) {
  const std::vector<uint8_t> bytes = encode_png(Image(side, side, 1, shade));
  return {bytes.begin(), bytes.end()};
}

inline std::string image(uint8_t shade, int side = 2) {
  return base64(png(shade, side));
}

}  // namespace lodestone::testing
