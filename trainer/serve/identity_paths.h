#pragma once

#include <mutex>

#include "trainer/http/http_server.h"
#include "trainer/serve/input_embedder.h"
#include "trainer/serve/live_model.h"

namespace lodestone::serve {

/// The paths that know identities: /identify, /enroll and /gallery.
/// Requires  the arguments outlive the object
/// Threads   safe concurrently
class IdentityPaths {
 public:
  /// `searching` serializes searches, since one uses all threads.
  IdentityPaths(LiveModel& live, InputEmbedder& embedder, std::mutex& searching)
      : live_(live), embedder_(embedder), searching_(searching) {}

  /// The nearest identities of each input, and the name of the nearest one if it reaches the threshold.
  http::HttpAnswer identify(const http::HttpRequest& request);
  /// Adds the inputs as photographs of an identity. Its id is that of the input's bytes, so that sending it
  /// again replaces it.
  http::HttpAnswer enroll(const http::HttpRequest& request);
  /// GET: a page of identities; DELETE: removes one, or one of its photographs.
  http::HttpAnswer gallery(const http::HttpRequest& request);

 private:
  http::HttpAnswer list(const http::HttpRequest& request) const;
  http::HttpAnswer remove(const http::HttpRequest& request);

  LiveModel& live_;
  InputEmbedder& embedder_;
  std::mutex& searching_;
};

/// Throws    DataError if the service has no gallery
const ServedGallery& gallery_of(const ServedState& state, const char* path);

}  // namespace lodestone::serve
