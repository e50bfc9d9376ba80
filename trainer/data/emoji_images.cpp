#include "trainer/data/emoji_images.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "common/files.h"
#include "sampler/augment/planes.h"
#include "trainer/data/cldr_files.h"
#include "trainer/data/emoji_face.h"
#include "trainer/data/emoji_family.h"
#include "trainer/data/parallel.h"

namespace lodestone::data {

namespace {

constexpr double kAlike = 0.02;  // mean difference of two images, relative to the whole range

std::u32string code_points(const std::string& utf8) {
  const auto text = icu::UnicodeString::fromUTF8(utf8);
  std::u32string codes;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1))
    codes += static_cast<char32_t>(text.char32At(i));
  return codes;
}

std::string utf8_of(const std::u32string& codes) {
  icu::UnicodeString text;
  for (const char32_t code : codes) text.append(static_cast<UChar32>(code));
  std::string utf8;
  text.toUTF8String(utf8);
  return utf8;
}

// Excludes what is no emoji: locale data names punctuation and arrows too, and the font has digits as parts
// of keycaps and skin tones by themselves.
bool is_emoji(const std::u32string& code) {
  if (code.empty() || !u_hasBinaryProperty(static_cast<UChar32>(code[0]), UCHAR_EMOJI)) return false;
  return code.size() > 1 ||
         (code[0] > 0x7F && !u_hasBinaryProperty(static_cast<UChar32>(code[0]), UCHAR_EMOJI_MODIFIER));
}

std::string_view bytes_of(const sampler::Image& image) {
  return {reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()};
}

std::string with_commas(std::string list) {
  for (size_t bar = list.find(" | "); bar != std::string::npos; bar = list.find(" | "))
    list.replace(bar, 3, ", ");
  return list;
}

// A list of keywords that several emoji bear ("flag") says nothing about any of them.
void drop_shared_keywords(std::map<std::u32string, EmojiImage>& named) {
  std::map<std::string, int> bearers;
  for (const auto& [code, emoji] : named) ++bearers[emoji.keywords];
  for (auto& [code, emoji] : named)
    if (bearers[emoji.keywords] > 1) emoji.keywords.clear();
}

std::vector<EmojiImage> named_emoji(const std::filesystem::path& cldr) {
  std::map<std::u32string, EmojiImage> named;
  for (const char* folder : {"annotations", "annotationsDerived"}) {
    const auto file = cldr / folder / "en.xml";
    read_cldr(file, "/ldml/annotations/annotation[@type='tts']", "cp",
              [&](const std::string& cp, const std::string& text) {
                const auto code = code_points(cp);
                if (is_emoji(code)) named[code] = {code, text, "", family_of(code), {}};
              });
    read_cldr(file, "/ldml/annotations/annotation[not(@type)]", "cp",
              [&](const std::string& cp, const std::string& text) {
                if (const auto found = named.find(code_points(cp)); found != named.end())
                  found->second.keywords = with_commas(text);
              });
  }
  drop_shared_keywords(named);
  std::vector<EmojiImage> all;
  for (auto& [code, emoji] : named) all.push_back(std::move(emoji));
  return all;
}

// An image at 16 x 16 pixels, for comparing it with others.
struct Thumbnail {
  std::vector<uint8_t> pixels;
  int sum = 0;

  explicit Thumbnail(const sampler::Image& image) {
    for (const float value : sampler::resized(image, kSide, kSide).values) {
      pixels.push_back(static_cast<uint8_t>(std::lround(255 * value)));
      sum += pixels.back();
    }
  }
  bool alike(const Thumbnail& other) const {
    const int allowed = static_cast<int>(kAlike * 255 * static_cast<double>(pixels.size()));
    if (std::abs(sum - other.sum) > allowed) return false;  // |sum a - sum b| <= sum |a - b|
    int difference = 0;
    for (size_t i = 0; i < pixels.size(); ++i) difference += std::abs(pixels[i] - other.pixels[i]);
    return difference <= allowed;
  }

 private:
  static constexpr int kSide = 16;
};

// Merges the families of images that look alike; the smallest name becomes that of the family.
void join_families(std::vector<EmojiImage>& emoji, int threads) {
  std::vector<Thumbnail> thumbnails;
  for (const auto& one : emoji) thumbnails.emplace_back(one.image);
  std::vector<std::vector<size_t>> like(emoji.size());
  parallel_for(emoji.size(), threads, [&](size_t i) {
    for (size_t j = i + 1; j < emoji.size(); ++j)
      if (emoji[i].family != emoji[j].family && thumbnails[i].alike(thumbnails[j])) like[i].push_back(j);
  });
  std::map<std::string, std::string> parent;
  const auto find = [&](std::string family) {
    for (auto up = parent.find(family); up != parent.end(); up = parent.find(family)) family = up->second;
    return family;
  };
  for (size_t i = 0; i < emoji.size(); ++i)
    for (const size_t j : like[i]) {
      const auto [first, second] = std::minmax({find(emoji[i].family), find(emoji[j].family)});
      if (first != second) parent[second] = first;
    }
  for (auto& one : emoji) one.family = find(one.family);
}

}  // namespace

std::string EmojiImage::key() const {
  std::string text;
  for (const char32_t part : code) {
    std::array<char, 12> hex{};
    std::snprintf(hex.data(), hex.size(), "%04x", static_cast<unsigned>(part));
    text += (text.empty() ? "" : "-") + std::string(hex.data());
  }
  return text;
}

std::vector<EmojiImage> draw_emoji(const std::filesystem::path& font, const std::filesystem::path& cldr,
                                   int size, int limit, int threads, int64_t& repeated) {
  const EmojiFace face(font);
  std::vector<EmojiImage> drawn;
  std::set<std::string> seen;  // checksums of pixels
  for (auto& emoji : named_emoji(cldr)) {
    auto image = face.draw(utf8_of(emoji.code), size);
    if (!image) continue;
    if (!seen.insert(checksum(bytes_of(*image))).second) {
      ++repeated;
      continue;
    }
    emoji.image = std::move(*image);
    drawn.push_back(std::move(emoji));
    if (limit > 0 && drawn.size() == static_cast<size_t>(limit)) break;
  }
  join_families(drawn, threads);
  return drawn;
}

}  // namespace lodestone::data
