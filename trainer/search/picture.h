#pragma once

#include <string>

namespace lodestone::search {

/// An untrusted thumbnail as a data: URI; "" unless it is an image within the limits of
/// sampler/codecs/thumbnail.h.
std::string thumbnail_uri(const std::string& thumbnail);

/// An untrusted image file as a data: URI for a page; "" if it does not decode. A small PNG, JPEG or WebP
/// stays as it is; what a browser does not show, and what is large, becomes a sampler::page_png.
std::string picture_uri(const std::string& file);

}  // namespace lodestone::search
