#include "trainer/serve/service.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "trainer/search/search_hit.h"
#include "trainer/serve/assets.h"

namespace lodestone::serve {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

http::HttpAnswer json_answer(const Json& json) {
  return {200, "application/json", json_text(json) + "\n"};
}

http::HttpRoute asset(const char* type, std::string_view text) {
  return {false, true, [type, text](const std::string&) {
            return http::HttpAnswer{200, type, std::string(text)};
          }};
}

// A JSON route that tells the client when the server is overloaded.
http::HttpRoute work(std::function<http::HttpAnswer(const std::string&)> answer) {
  return {true, false, [answer = std::move(answer)](const std::string& body) {
            try {
              return answer(body);
            } catch (const OverloadError& error) {
              return http::http_error(429, error.what());
            }
          }};
}

Json threshold_of(const std::optional<search::Calibration>& calibration) {
  return calibration ? Json(calibration->threshold) : Json();
}

Json same(const std::optional<search::Calibration>& calibration, double score) {
  return calibration ? Json(calibration->same(score)) : Json();
}

}  // namespace

Service::Service(ServedModel model, Batcher& batcher, std::chrono::milliseconds patience,
                 const ImageLimits& limits)
    : model_(std::move(model)),
      batcher_(batcher),
      patience_(patience),
      memory_(limits.decoded_bytes),
      metrics_([&batcher] { return batcher.waiting(); }) {
  if (model_.images) images_.emplace(*model_.images, limits);
  if (model_.gallery) gallery_rows_.emplace(model_.gallery->z_ND, model_.similarity);
  routes_["/"] = asset("text/html; charset=utf-8", serve_page());
  routes_["/page.css"] = asset("text/css; charset=utf-8", serve_style());
  routes_["/page.js"] = asset("text/javascript; charset=utf-8", serve_script());
  routes_["/openapi.json"] = asset("application/json", serve_openapi());
  routes_["/healthz"] = {false, true, [this](const std::string&) { return health(); }};
  routes_["/metrics"] = {
      false, false,
      [this](const std::string&) {
        return http::HttpAnswer{200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
      },
      true};
  routes_["/embed"] = work([this](const std::string& body) { return embed(body); });
  routes_["/search"] = work([this](const std::string& body) { return search(body); });
  routes_["/verify"] = work([this](const std::string& body) { return verify(body); });
}

const http::HttpRoute* Service::route(const std::string& path) const {
  const auto found = routes_.find(path);
  return found == routes_.end() ? nullptr : &found->second;
}

void Service::check_kinds(const ServeRequest& request) const {
  for (const RequestInput& input : request.inputs)
    if (input.image ? !images_ : !model_.texts)
      throw DataError(std::string("request: expected ") + (images_ ? "images" : "texts") + ", got " +
                      (input.image ? "images" : "texts") + ", which this model does not read");
}

std::optional<ByteBudget::Lease> Service::take_memory(const ServeRequest& request,
                                                      Clock::time_point deadline) {
  std::vector<std::string_view> images;
  for (const RequestInput& input : request.inputs)
    if (input.image) images.push_back(input.bytes);
  if (images.empty()) return {};
  const int64_t kept = static_cast<int64_t>(images.size()) * images_->kept_bytes();
  return memory_.take(kept + images_->decoding_bytes(images), deadline);
}

at::Tensor Service::embeddings_of(const ServeRequest& request) {
  check_kinds(request);
  const auto deadline = Clock::now() + patience_;
  std::optional<ByteBudget::Lease> memory = take_memory(request, deadline);
  std::vector<Sample> samples;
  int64_t kept = 0;
  for (const RequestInput& input : request.inputs) {
    if (!input.image) {
      samples.emplace_back(input.bytes);
      continue;
    }
    if (Clock::now() >= deadline)
      throw OverloadError("serve: " + std::to_string(samples.size()) +
                          " of its images were decoded in time; send fewer");
    samples.emplace_back(images_->read(input.bytes, "images[" + std::to_string(samples.size()) + "]"));
    kept += images_->kept_bytes();
  }
  if (memory) memory->keep(kept);
  return batcher_.embed(std::move(samples),
                        std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()));
}

http::HttpAnswer Service::embed(const std::string& body) {
  const at::Tensor z_nD = embeddings_of(parse_request(body));
  Json rows = Json::array();
  const float* data = z_nD.const_data_ptr<float>();
  for (int64_t i = 0; i < z_nD.size(0); ++i)
    rows.push_back(std::vector<float>(data + i * z_nD.size(1), data + (i + 1) * z_nD.size(1)));
  return json_answer({{"embeddings", std::move(rows)}, {"step", model_.step}});
}

http::HttpAnswer Service::search(const std::string& body) {
  if (!gallery_rows_)
    throw DataError("search: there is no gallery; the service was started without --gallery");
  const ServeRequest request = parse_request(body);
  const eval::ComparableRows queries(embeddings_of(request), model_.similarity);
  std::vector<std::vector<eval::Neighbour>> found;
  {
    const std::scoped_lock lock(searching_);
    found = eval::nearest_rows(queries, *gallery_rows_, request.k);
  }
  Json answers = Json::array();
  for (const auto& nearest : found)
    answers.push_back(
        {{"hits", search::to_json(search::hits_of(nearest, *model_.gallery, model_.calibration))}});
  return json_answer({{"threshold", threshold_of(model_.calibration)}, {"answers", std::move(answers)}});
}

http::HttpAnswer Service::verify(const std::string& body) {
  const ServeRequest request = parse_request(body);
  if (request.inputs.size() != 2)
    throw DataError("verify: expected two images or texts in all, got " +
                    std::to_string(request.inputs.size()));
  const eval::ComparableRows pair(embeddings_of(request), model_.similarity);
  const double similarity = score(pair, 0, pair, 1);
  return json_answer({{"score", similarity},
                      {"distance", eval::distance_of_score(similarity, model_.similarity)},
                      {"threshold", threshold_of(model_.calibration)},
                      {"same", same(model_.calibration, similarity)}});
}

http::HttpAnswer Service::health() const {
  return json_answer({{"status", "ok"},
                      {"step", model_.step},
                      {"images", images_.has_value()},
                      {"texts", model_.texts},
                      {"gallery", gallery_rows_ ? Json(gallery_rows_->size()) : Json()}});
}

}  // namespace lodestone::serve
