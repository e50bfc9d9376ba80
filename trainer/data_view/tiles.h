#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sampler/augment/transforms.h"
#include "sampler/image.h"
#include "sampler/texts/token_rows.h"

namespace lodestone::data_view {

inline constexpr int kTileSide = 112;  ///< longest side of an image on the page, in pixels

/// An image as an <img> whose file is inline: a thumbnail. `alt`, which is escaped, is its title too.
std::string image_tag(const sampler::Image& image, std::string_view alt);
/// The same with every pixel as it is, unless the image is larger than kTileSide.
std::string exact_tag(const sampler::Image& image, std::string_view alt);

/// The image that an encoder gets, with mean and std undone.
/// Shapes    x_CHW float32
sampler::Image seen_image(const at::Tensor& x_CHW, const sampler::ImageTransformConfig& config);

/// The name of a file or member without the folders and the shard above it.
std::string last_name(const std::string& key);

/// The same with one folder above it: "ada/1.png".
std::string short_name(const std::string& key);

/// The mark of a pair: the same, or not.
std::string verdict(bool same);

/// A figure: an image tag, or other HTML, above a caption, which is escaped. `kind` adds a class: "seen".
std::string figure(const std::string& content, std::string_view caption, std::string_view kind = "");

/// A text as HTML: escaped, its first 300 bytes.
std::string text_html(std::string_view text);

/// Tokens as a row of boxes: the first 48 of `ids`, how many more there are, and whether the text was cut.
std::string token_html(const std::vector<int64_t>& ids, const sampler::Tokenizer& tokenizer, bool cut);

/// A text above its tokens, as `rule` cuts it.
std::string text_with_tokens(std::string_view text, const sampler::TokenRule& rule);

}  // namespace lodestone::data_view
