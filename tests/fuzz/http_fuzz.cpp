#include <atomic>
#include <cstdlib>
#include <string>

#include <sys/socket.h>

#include "fuzz/input.h"
#include "support/http.h"
#include "trainer/http/http_server.h"

using namespace lodestone;
using namespace lodestone::http;

namespace {

constexpr size_t kBody = 1000;
constexpr const char* kAuthorization = "Bearer sesame";

/// A server that has an open page, a closed one, and one that is posted to.
struct Served {
  std::atomic<int> entered{0};
  const HttpRoute open{false, true, [](const HttpRequest&) { return HttpAnswer{200, "text/plain", "open"}; }};
  const HttpRoute page{false, false, [this](const HttpRequest& request) { return enter(request.body); }};
  const HttpRoute post{true, false, [this](const HttpRequest& request) { return enter(request.body); }};
  HttpServer server{options(), [this](const std::string& path) {
                      if (path == "/open") return &open;
                      if (path == "/page") return &page;
                      return path == "/post" ? &post : nullptr;
                    }};

  HttpAnswer enter(const std::string& body) {
    if (body.size() > kBody) std::abort();
    ++entered;
    return {200, "text/plain", "closed"};
  }
  static HttpOptions options() {
    HttpOptions options;
    options.authorization = kAuthorization;
    options.max_body = kBody;
    options.max_requests = 4;
    options.patience = std::chrono::seconds(5);
    return options;
  }
};

}  // namespace

// What a client sends. It gets an answer or is hung up on, in time; and whoever doesn't show the token enters
// nowhere.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Served served;
  const std::string request(fuzz::text(data, size));
  const int before = served.entered;
  {
    const lodestone::testing::HttpClient client(served.server.port());
    client.send(request);
    client.end();
    const lodestone::testing::HttpReply reply = client.reply();
    if (reply.status != 0 && (reply.status < 200 || reply.status > 599) && reply.status != 100) std::abort();
  }
  // A header may be folded over lines.
  if (served.entered != before && request.find("sesame") == std::string::npos) std::abort();
  return 0;
}
