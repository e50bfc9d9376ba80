#include "trainer/coordinator/live_pages.h"

#include <string>
#include <utility>

#include "trainer/coordinator/live_assets.h"

namespace lodestone {

namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json; charset=utf-8";

WebPage fixed(const char* type, std::string_view body) {
  return {[type, text = std::string(body)] { return WebAnswer{200, type, text}; }};
}

}  // namespace

WebPages rank_pages(const RunMetrics& metrics) {
  return {{"/metrics",
           {[&metrics] { return WebAnswer{200, "text/plain; version=0.0.4; charset=utf-8", metrics.text()}; }}},
          {"/healthz", fixed(kText, "alive\n")}};
}

WebPages live_pages(const RunMetrics& metrics, LiveState& live, std::function<void()> request_checkpoint) {
  WebPages pages = rank_pages(metrics);
  pages["/readyz"] = {[&live] {
    return live.ready() ? WebAnswer{200, kText, "training\n"} : WebAnswer{503, kText, "no step is done yet\n"};
  }};
  pages["/"] = fixed("text/html; charset=utf-8", live_html());
  pages["/live.css"] = fixed("text/css; charset=utf-8", live_css());
  pages["/live.js"] = fixed("text/javascript; charset=utf-8", live_js());
  pages["/run.json"] = {[&live] { return WebAnswer{200, kJson, live.run_json()}; }};
  pages["/embeddings.json"] = {[&live] { return WebAnswer{200, kJson, live.embeddings_json()}; }};
  pages["/checkpoint"] = {[request = std::move(request_checkpoint)] {
                            request();
                            return WebAnswer{202, kText, "a checkpoint follows the step under way\n"};
                          },
                          true};
  return pages;
}

}  // namespace lodestone
