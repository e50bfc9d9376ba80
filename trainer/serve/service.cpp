#include "trainer/serve/service.h"

#include <utility>

#include "common/files.h"
#include "trainer/eval/neighbours.h"
#include "trainer/search/search_hit.h"
#include "trainer/serve/answer.h"
#include "trainer/serve/assets.h"
#include "trainer/serve/embedding_answer.h"
#include "trainer/serve/request.h"

namespace lodestone::serve {

namespace {

using Json = nlohmann::json;

http::HttpRoute asset(const char* type, std::string_view text) {
  return {false, true, [type, text](const http::HttpRequest&) {
            return http::HttpAnswer{200, type, std::string(text)};
          }};
}

}  // namespace

Service::Service(LiveModel& live, Batcher& batcher, ServiceOptions options)
    : live_(live),
      options_(std::move(options)),
      embedder_(batcher, options_.patience, options_.images),
      identities_(live, embedder_, searching_),
      texts_(live, embedder_),
      metrics_([&batcher] { return batcher.waiting(); }) {
  routes_["/"] = asset("text/html; charset=utf-8", serve_page());
  routes_["/page.css"] = asset("text/css; charset=utf-8", serve_style());
  routes_["/page.js"] = asset("text/javascript; charset=utf-8", serve_script());
  routes_["/openapi.json"] = asset("application/json", serve_openapi());
  routes_["/healthz"] = {false, true, [this](const http::HttpRequest&) { return health(); }};
  routes_["/model"] = {false, false, [this](const http::HttpRequest&) { return model(); }, true};
  routes_["/metrics"] = {
      false, false,
      [this](const http::HttpRequest&) {
        return http::HttpAnswer{200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
      },
      true};
  http::HttpRoute& embed_route = routes_["/embed"];
  embed_route.post = embed_route.files = true;
  embed_route.begin = [this](const http::HttpRequest& request, const http::HttpDone& done) {
    embed(request, done, /*at_once=*/false);
  };
  embed_route.try_begin = [this](const http::HttpRequest& request, const http::HttpDone& done) {
    return embed(request, done, /*at_once=*/true);
  };
  routes_["/search"] = work([this](const http::HttpRequest& request) { return search(request); });
  routes_["/verify"] = work([this](const http::HttpRequest& request) { return verify(request); });
  routes_["/identify"] =
      work([this](const http::HttpRequest& request) { return identities_.identify(request); });
  routes_["/enroll"] =
      change([this](const http::HttpRequest& request) { return identities_.enroll(request); });
  routes_["/reload"] = change([this](const http::HttpRequest& request) {
    if (!request.body.empty()) throw DataError("reload: expected an empty body, got another");
    return reload();
  });
  routes_["/reload"].files = false;
  routes_["/gallery"] = gallery_route();
  add_openai_routes();
}

void Service::add_openai_routes() {
  http::HttpRoute embeddings{true, false, [this](const http::HttpRequest& request) {
                               return guarded([&] { return texts_.embeddings(request); }, openai_error);
                             }};
  http::HttpRoute models{false, false, [this](const http::HttpRequest&) { return texts_.models(); }};
  embeddings.error = models.error = openai_error;
  models.always = true;
  routes_["/v1/embeddings"] = std::move(embeddings);
  routes_["/v1/models"] = std::move(models);
}

const http::HttpRoute* Service::route(const std::string& path) const {
  const auto found = routes_.find(path);
  return found == routes_.end() ? nullptr : &found->second;
}

void Service::warn(const std::string& sentence) const {
  if (options_.warn) options_.warn(sentence);
}

// Tells the client when the server is overloaded, and what does not exist.
http::HttpAnswer Service::failure(const std::exception_ptr& error, const http::HttpErrorForm& form) const {
  try {
    std::rethrow_exception(error);
  } catch (const OverloadError& overload) {
    return form(429, overload.what());
  } catch (const NotFoundError& missing) {
    return form(404, missing.what());
  } catch (const IoError& failed) {
    // The text names files of this host.
    warn(failed.what());
    return form(503, "the gallery's file cannot be used now; the service's log has the reason");
  } catch (...) {
    return http::http_failure(std::current_exception(), form);
  }
}

// A route for inputs.
http::HttpRoute Service::work(Answer answer) const {
  http::HttpRoute route{true, false, [this, answer = std::move(answer)](const http::HttpRequest& request) {
                          return guarded([&] { return answer(request); });
                        }};
  route.files = true;
  return route;
}

// A route that changes what is served.
http::HttpRoute Service::change(Answer answer) const {
  return work([this, answer = std::move(answer)](const http::HttpRequest& request) {
    if (!options_.changes)
      return http::http_error(403,
                              "this service takes no changes: start it with --token-file, or with "
                              "--allow-enroll");
    return answer(request);
  });
}

http::HttpRoute Service::gallery_route() {
  const auto look = work([this](const http::HttpRequest& request) { return identities_.list(request); });
  const auto remove =
      change([this](const http::HttpRequest& request) { return identities_.remove(request); });
  http::HttpRoute route{false, false, [look, remove](const http::HttpRequest& request) {
                          return (request.method == "DELETE" ? remove : look).answer(request);
                        }};
  route.removes = true;
  return route;
}

http::HttpAnswer Service::reload() {
  try {
    live_.reload();
    const auto state = live_.now();
    return json_answer({{"step", state->model->step},
                        {"gallery", state->gallery ? Json(state->gallery->embeddings.size()) : Json()}});
  } catch (const std::exception& error) {
    const std::string reason =
        std::string("reload: refused, the former model and gallery stay: ") + error.what();
    warn(reason);
    return http::http_error(409, reason);
  }
}

// No thread waits for the embeddings: with many clients whose images are small, waking a thread for each
// would take a tenth of the processor time. For the same reason small ones are decoded by the thread that
// has received them. Returns false if that would take long.
bool Service::embed(const http::HttpRequest& request, const http::HttpDone& done, bool at_once) {
  try {
    if (may_be_tei(request)) {
      if (at_once) return false;
      if (auto texts = parse_tei(request)) {
        done(texts_.embed(std::move(*texts)));
        return true;
      }
    }
    const ServeRequest asked = parse_request(request, {RequestKey::kEncoding});
    const RowEncoding encoding = row_encoding(request.accept, asked.base64);
    const auto state = live_.now();
    Batcher::Done answer = [=, this, step = state->model->step](const at::Tensor& z_nD,
                                                                const std::exception_ptr& error) {
      done(guarded([&] {
        if (error) std::rethrow_exception(error);
        return embedding_answer(z_nD, step, encoding);
      }));
    };
    if (at_once) return embedder_.try_begin(state, asked, std::move(answer));
    embedder_.begin(state, asked, std::move(answer));
  } catch (...) {
    done(failure(std::current_exception()));
  }
  return true;
}

http::HttpAnswer Service::search(const http::HttpRequest& request) {
  const auto state = live_.now();
  const ServedGallery& gallery = gallery_of(*state, "search");
  const ServeRequest asked = parse_request(request, {RequestKey::kThumbnails});
  check_thumbnails(asked);
  const ServedModel& model = *state->model;
  const eval::ComparableRows queries(embedder_.embed(*state, asked), model.similarity);
  std::vector<std::vector<eval::Neighbour>> found;
  {
    const std::scoped_lock lock(searching_);
    found = eval::nearest_rows(queries, gallery.search.rows(), asked.k);
  }
  Json answers = Json::array();
  for (const auto& nearest : found)
    answers.push_back({{"hits", search::to_json(search::hits_of(nearest, gallery.embeddings,
                                                                model.calibration, asked.thumbnails),
                                                asked.thumbnails)}});
  return json_answer({{"threshold", threshold_of(model.calibration)}, {"answers", std::move(answers)}});
}

http::HttpAnswer Service::verify(const http::HttpRequest& request) {
  const ServeRequest asked = parse_request(request);
  if (asked.inputs.size() != 2)
    throw DataError("verify: expected two images or texts in all, got " +
                    std::to_string(asked.inputs.size()));
  const auto state = live_.now();
  const ServedModel& model = *state->model;
  const eval::ComparableRows pair(embedder_.embed(*state, asked), model.similarity);
  const double similarity = score(pair, 0, pair, 1);
  return json_answer({{"score", similarity},
                      {"distance", eval::distance_of_score(similarity, model.similarity)},
                      {"threshold", threshold_of(model.calibration)},
                      {"same", verdict_of(model.calibration, similarity)}});
}

http::HttpAnswer Service::model() const {
  const auto state = live_.now();
  const ServedModel& model = *state->model;
  Json metrics = Json::array();
  for (const ServedMetric& metric : model.metrics)
    metrics.push_back(
        {{"name", metric.name}, {"title", metric.title}, {"value", metric.value}, {"rate", metric.rate}});
  Json gallery;
  if (state->gallery)
    gallery = {{"photographs", state->gallery->embeddings.size()},
               {"identities", state->gallery->search.identities().size()}};
  return json_answer({{"run", model.run},
                      {"kind", model.kind},
                      {"step", model.step},
                      {"images", model.images.has_value()},
                      {"texts", model.texts},
                      {"width", model.width},
                      {"similarity", choice_name(model.similarity, eval::kSimilarities)},
                      {"threshold", threshold_of(model.calibration)},
                      {"false_accept_rate", model.calibration ? Json(model.calibration->far) : Json()},
                      {"metrics", std::move(metrics)},
                      {"gallery", std::move(gallery)},
                      {"changes", options_.changes}});
}

http::HttpAnswer Service::health() const {
  const auto state = live_.now();
  return json_answer({{"status", "ok"},
                      {"step", state->model->step},
                      {"images", state->model->images.has_value()},
                      {"texts", state->model->texts},
                      {"gallery", state->gallery ? Json(state->gallery->embeddings.size()) : Json()}});
}

}  // namespace lodestone::serve
