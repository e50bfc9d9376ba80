#include "trainer/data_view/tiles.h"

#include <algorithm>
#include <cmath>

#include "common/text_format.h"
#include "common/utf8.h"
#include "sampler/codecs/encode_png.h"
#include "sampler/codecs/shrink.h"
#include "sampler/codecs/thumbnail.h"
#include "trainer/report/html.h"

namespace lodestone::data_view {

namespace {

constexpr size_t kTextBytes = 300, kTokens = 48;

uint8_t level(double value) {
  return static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
}

std::string inline_image(const char* type, std::string_view file, std::string_view alt) {
  const std::string shown = text_html(alt);
  return fill(R"(<img src="{}" alt="{}" title="{}">)", {report::data_uri(type, file), shown, shown});
}

}  // namespace

std::string image_tag(const sampler::Image& image, std::string_view alt) {
  return inline_image("image/webp", sampler::thumbnail_of(image, kTileSide), alt);
}

std::string exact_tag(const sampler::Image& image, std::string_view alt) {
  const std::vector<uint8_t> png = sampler::encode_png(sampler::shrunk(image, kTileSide));
  return inline_image("image/png", {reinterpret_cast<const char*>(png.data()), png.size()}, alt);
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

std::string last_name(const std::string& key) {
  return key.substr(key.find_last_of("/!") + 1);
}

std::string short_name(const std::string& key) {
  const size_t last = key.find_last_of("/!");
  return last == std::string::npos || last == 0 ? key : key.substr(key.find_last_of("/!", last - 1) + 1);
}

std::string verdict(bool same) {
  return same ? "<span class=\"verdict right\">the same</span>"
              : "<span class=\"verdict wrong\">not the same</span>";
}

std::string figure(const std::string& content, std::string_view caption, std::string_view kind) {
  return fill("<figure class=\"look {}\">{}<figcaption>{}</figcaption></figure>",
              {kind, content, text_html(caption)});
}

std::string text_html(std::string_view text) {
  return report::escape_html(beginning(text, kTextBytes));
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
