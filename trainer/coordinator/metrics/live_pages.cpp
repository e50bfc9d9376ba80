#include "trainer/coordinator/metrics/live_pages.h"

#include <string_view>
#include <utility>

#include "common/error.h"
#include "trainer/coordinator/metrics/live_assets.h"

namespace lodestone::coordinator {

namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kMetrics = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kJson = "application/json; charset=utf-8";

template <typename Make>
http::HttpRoute page(const char* type, Make make) {
  return {false, false, [type, make = std::move(make)](const http::HttpRequest&) {
            return http::HttpAnswer{200, type, std::string(make())};
          }};
}

// Prometheus is answered at any load from other clients.
template <typename Make>
http::HttpRoute figures(Make make) {
  http::HttpRoute route = page(kMetrics, std::move(make));
  route.always = true;
  return route;
}

http::HttpAnswer hidden(const http::HttpRequest&) {
  return http::http_error(403,
                          "the live page shows images and the configuration; set metrics.user and "
                          "metrics.password_file, or metrics.address to 127.0.0.1, to see it");
}

http::HttpAnswer ask_for_checkpoint(const std::function<void()>& request) {
  if (!request) return http::http_error(403, "set metrics.user and metrics.password_file to allow this");
  request();
  return {202, kText, "a checkpoint is saved after the current step\n"};
}

}  // namespace

Pages rank_pages(const RunMetrics& metrics) {
  Pages pages;
  pages["/metrics"] = figures([&metrics] { return metrics.text(); });
  pages["/healthz"] = {false, true, [](const http::HttpRequest&) {
                         return http::HttpAnswer{200, kText, "alive\n"};
                       }};
  pages["/readyz"] = {false, true, [&metrics](const http::HttpRequest&) {
                        return metrics.ready() ? http::HttpAnswer{200, kText, "training\n"}
                                               : http::HttpAnswer{503, kText, "no step is done yet\n"};
                      }};
  return pages;
}

Pages live_pages(LiveData source, bool shown) {
  const RunMetrics& metrics = source.metrics;
  LiveState& live = source.live;
  Pages pages = rank_pages(metrics);
  pages["/metrics"] = figures([&metrics, ranks = source.ranks] { return metrics.text(ranks()); });
  pages["/"] = page("text/html; charset=utf-8", live_html);
  pages["/live.css"] = page("text/css; charset=utf-8", live_css);
  pages["/live.js"] = page("text/javascript; charset=utf-8", live_js);
  pages["/run.json"] = page(kJson, [&live, ranks = source.ranks] { return live.run_json(ranks()); });
  pages["/embeddings.json"] = page(kJson, [&live] { return live.embeddings_json(); });
  if (!shown)
    for (const char* path : {"/", "/live.css", "/live.js", "/run.json", "/embeddings.json"})
      pages[path] = {false, false, hidden};
  pages["/checkpoint"] = {true, false,
                          [request = std::move(source.request_checkpoint)](const http::HttpRequest&) {
                            return ask_for_checkpoint(request);
                          }};
  return pages;
}

std::unique_ptr<http::HttpServer> serve_pages(const MetricsConfig& config, int64_t port, Pages pages,
                                              const Warn& warn) {
  config.check();
  http::HttpOptions options;
  options.address = config.address;
  options.port = static_cast<int>(port);
  if (!config.user.empty())
    options.authorization = http::basic_authorization(
        config.user, http::read_secret(config.password_file, "metrics.password_file"));
  options.certificate = config.certificate;
  options.max_requests = 16;
  options.max_body = 0;
  options.patience = std::chrono::seconds(5);
  options.settings = "metrics.address or metrics.port (0: off)";
  options.certificate_setting = "metrics.certificate";
  options.warn = warn;
  for (const auto& [file, setting] : {std::pair(config.password_file, "metrics.password_file"),
                                      std::pair(config.certificate, "metrics.certificate")})
    if (const std::string warning = http::exposed_secret(file, setting); warn && !warning.empty())
      warn(warning);
  const auto held = std::make_shared<const Pages>(std::move(pages));
  return std::make_unique<http::HttpServer>(std::move(options), [held](const std::string& path) {
    const auto found = held->find(path);
    return found == held->end() ? nullptr : &found->second;
  });
}

}  // namespace lodestone::coordinator
