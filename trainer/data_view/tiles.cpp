#include "trainer/data_view/tiles.h"

#include <algorithm>
#include <cmath>

#include "common/text_format.h"
#include "sampler/augment/planes.h"
#include "sampler/codecs/encode_png.h"
#include "trainer/report/html.h"

namespace lodestone::data_view {

namespace {

constexpr size_t kTextBytes = 300, kTokens = 48;

uint8_t level(double value) {
  return static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
}

sampler::Image reduced(const sampler::Image& image) {
  const int longest = std::max(image.width, image.height);
  if (longest <= kTileSide) return image;
  const auto side = [&](int pixels) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(pixels) * kTileSide / longest)));
  };
  const sampler::Planes planes = sampler::resized(image, side(image.width), side(image.height));
  sampler::Image small(planes.width, planes.height, planes.channels);
  for (int c = 0; c < small.channels; ++c)
    for (int y = 0; y < small.height; ++y)
      for (int x = 0; x < small.width; ++x)
        small.at(x, y, c) = level(planes.values[static_cast<size_t>(c) * planes.plane_size() +
                                                static_cast<size_t>(y * planes.width + x)]);
  return small;
}

// The first bytes of a text, up to the end of a character.
std::string beginning_of(std::string_view text) {
  if (text.size() <= kTextBytes) return std::string(text);
  size_t end = kTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace

std::string image_tag(const sampler::Image& image, std::string_view alt) {
  const std::vector<uint8_t> png = sampler::encode_png(reduced(image));
  return fill(
      R"(<img src="data:image/png;base64,{}" alt="{}" loading="lazy">)",
      {report::base64({reinterpret_cast<const char*>(png.data()), png.size()}), report::escape_html(alt)});
}

sampler::Image seen_image(const at::Tensor& x_CHW, const sampler::ImageTransformConfig& config) {
  const at::Tensor values = x_CHW.contiguous();
  sampler::Image image(static_cast<int>(values.size(2)), static_cast<int>(values.size(1)),
                       static_cast<int>(values.size(0)));
  const float* next = values.const_data_ptr<float>();
  const auto of = [](const std::vector<double>& list, int c) {
    return list.size() == 1 ? list.front() : list[static_cast<size_t>(c)];
  };
  for (int c = 0; c < image.channels; ++c)
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x)
        image.at(x, y, c) = level(*next++ * of(config.std, c) + of(config.mean, c));
  return image;
}

std::string figure(const std::string& content, std::string_view caption, std::string_view kind) {
  return fill("<figure class=\"look {}\">{}<figcaption>{}</figcaption></figure>",
              {kind, content, report::escape_html(caption)});
}

std::string text_html(std::string_view text) {
  return report::escape_html(beginning_of(text));
}

std::string token_html(const std::vector<int64_t>& ids, const sampler::Tokenizer& tokenizer, bool cut) {
  std::string html = "<span class=\"tokens\">";
  for (size_t i = 0; i < std::min(ids.size(), kTokens); ++i) {
    const std::string token = tokenizer.token(ids[i]);
    const bool unknown = token == "[UNK]" || token == "<unk>";
    html += fill("<i{}>{}</i>", {unknown ? " class=\"unknown\"" : "", text_html(token)});
  }
  const auto count = ids.size();
  if (count > kTokens) html += " … " + std::to_string(count - kTokens) + " more";
  if (cut) html += fill(" <b>cut after {} tokens</b>", {std::to_string(count)});
  return html + "</span>";
}

std::string text_with_tokens(std::string_view text, const sampler::TokenRule& rule) {
  const std::vector<int64_t> ids = rule.tokenizer->encode(text, rule.max_tokens);
  const bool cut = rule.tokenizer->encode(text, rule.max_tokens + 1).size() > ids.size();
  return "<p class=\"said\">" + text_html(text) + "</p>" + token_html(ids, *rule.tokenizer, cut);
}

}  // namespace lodestone::data_view
