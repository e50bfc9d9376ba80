// The texts and thumbnails that lie beside embeddings, from files that may be hostile.
#include "trainer/search/embedded_row.h"

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "common/safetensors.h"
#include "common/utf8.h"
#include "sampler/codecs/thumbnail.h"
#include "support/images.h"
#include "trainer/report/html.h"
#include "trainer/search/embedding_writer.h"
#include "trainer/search/gallery.h"
#include "trainer/search/picture.h"
#include "trainer/search/search_hit.h"

namespace lodestone {
using namespace search;
using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace {

std::string thumbnail(int grey) {
  return sampler::thumbnail_of(sampler::Image(90, 60, 3, static_cast<uint8_t>(grey)), 64);
}

std::vector<EmbeddedRow> shown_rows() {
  return {{"a.png", "x", "", thumbnail(10)},
          {"b.txt:2", "", "Größe \"<b>\" 猫", ""},
          {"c.png", "y", "a caption", thumbnail(200)}};
}

TEST(EmbeddedRow, ComesBackFromItsLine) {
  std::string lines;
  for (const EmbeddedRow& row : shown_rows()) lines += row_line(row);
  EXPECT_EQ(rows_of_lines(lines), shown_rows());
}

TEST(EmbeddedRow, WithoutTextAndThumbnailHasTheLineThatItAlwaysHad) {
  EXPECT_EQ(row_line({"class0/0.png", "class0"}), "{\"id\":\"class0/0.png\",\"label\":\"class0\"}\n");
}

TEST(EmbeddedRow, ComesBackFromBesideAndFromWithin) {
  const TempFolder folder;
  const auto beside = folder.path() / "e.safetensors", within = folder.path() / "g.safetensors";
  EmbeddingWriter writer({beside, 3, 2, {{"likeness", "l2"}}});
  writer.append(at::zeros({3, 2}), shown_rows());
  writer.finish();
  const Embeddings found = read_embeddings(beside);
  EXPECT_EQ(found.rows_N, shown_rows());
  write_embeddings(within, found);
  EXPECT_FALSE(std::filesystem::exists(rows_beside(within)));
  EXPECT_EQ(read_embeddings(within).rows_N, shown_rows());
}

TEST(EmbeddedRow, KeepsItsPlaceInAGalleryThatChanges) {
  const Embeddings all{at::zeros({3, 2}), {{"1", "x", "", "one"}, {"2", "y", "", "two"}, {"3", "z"}}, {}};
  const TempFolder folder;
  const auto file = folder.path() / "g.safetensors";
  write_embeddings(file, remove_from_gallery(all, "x"));
  const std::vector<EmbeddedRow> rest = {all.rows_N[1], all.rows_N[2]};
  EXPECT_EQ(read_embeddings(file).rows_N, rest);
}

TEST(EmbeddedRow, HasATextOfBoundedLength) {
  const std::string huge(10'000'000, 'x');
  EmbeddedRow row = rows_of_lines(row_line({"a", "", huge}))[0];
  EXPECT_EQ(row.text.size(), kRowTextBytes);
  EXPECT_TRUE(row.text.ends_with("x…"));
  EXPECT_EQ(rows_of_lines(row_line(row))[0], row);
}

TEST(Beginning, EndsBetweenCharacters) {
  EXPECT_EQ(beginning("猫猫猫", 9), "猫猫猫");
  EXPECT_EQ(beginning("猫猫猫", 8), "猫…");
  EXPECT_EQ(beginning("\x80\x80\x80\x80", 3), "…");
  EXPECT_TRUE(is_utf8(beginning("a🐈🐈🐈", 10)));
}

TEST(EmbeddedRow, WithAThumbnailThatIsNoBase64OrTooLargeIsRefused) {
  const std::string large = report::base64(std::string(sampler::kThumbnailBytes + 1, 'x'));
  const std::string largest = report::base64(std::string(sampler::kThumbnailBytes, 'x'));
  for (const std::string& text : {std::string("%%%"), std::string("QQ"), std::string("QUJD\\n"), large})
    EXPECT_THROW(rows_of_lines("{\"id\":\"a\",\"thumbnail\":\"" + text + "\"}\n"), DataError)
        << text.substr(0, 10);
  EXPECT_EQ(rows_of_lines("{\"id\":\"a\",\"thumbnail\":\"" + largest + "\"}\n")[0].thumbnail.size(),
            sampler::kThumbnailBytes);
}

TEST(EmbeddedRow, WithinAGalleryIsRefusedIfItClaimsMoreBytesThanThereAre) {
  const TempFolder folder;
  const auto file = folder.path() / "g.safetensors";
  const at::Tensor z = at::zeros({1, 2});
  for (const char* claimed : {"5", "-1", "1e30", "\"x\"", "18446744073709551615"}) {
    write_safetensors(file, {{"embeddings", z}, {"thumbnails", at::zeros({4}, at::kByte)}},
                      {{"rows", std::string("[{\"id\":\"a\",\"thumbnail_bytes\":") + claimed + "}]"}});
    EXPECT_THROW(read_embeddings(file), DataError) << claimed;
  }
  write_safetensors(file, {{"embeddings", z}, {"thumbnails", at::zeros({2, 2})}},
                    {{"rows", "[{\"id\":\"a\",\"thumbnail_bytes\":4}]"}});
  EXPECT_THROW(read_embeddings(file), DataError);
}

TEST(Thumbnail, IsShownOnlyIfItIsASmallImage) {
  EXPECT_THAT(thumbnail_uri(thumbnail(10)), StartsWith("data:image/webp;base64,"));
  const auto png = [](int width, int height) {
    const auto file = sampler::encode_png(sampler::Image(width, height, 1, 7));
    return std::string(file.begin(), file.end());
  };
  EXPECT_THAT(thumbnail_uri(png(256, 256)), StartsWith("data:image/png;base64,"));
  for (const std::string& hostile :
       {std::string(), std::string("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
        std::string("<html><script>alert(1)</script></html>"), std::string("RIFF1234"),
        std::string("RIFF1234WEBPVP8 <script>"), png(1000, 1000), png(257, 1), png(20, 20).substr(0, 40),
        std::string("P5 2 2 255 abcd"), thumbnail(3) + std::string(sampler::kThumbnailBytes, ' ')})
    EXPECT_EQ(thumbnail_uri(hostile), "") << hostile.substr(0, 20);
}

TEST(SearchHit, CarriesTextAndThumbnailOfItsRow) {
  const Embeddings gallery{at::zeros({3, 2}), shown_rows(), {}};
  const std::vector<eval::Neighbour> nearest = {{0.5, 2, false}, {0.25, 1, false}};
  const std::vector<SearchHit> hits = hits_of(nearest, gallery, {});
  EXPECT_EQ(hits[0].text, "a caption");
  EXPECT_EQ(hits[0].thumbnail, thumbnail(200));
  const nlohmann::json plain = to_json(hits), with = to_json(hits, true);
  EXPECT_EQ(plain[1]["text"], shown_rows()[1].text);
  EXPECT_FALSE(plain[0].contains("thumbnail"));
  EXPECT_EQ(with[0]["thumbnail"], thumbnail_uri(thumbnail(200)));
  EXPECT_FALSE(with[1].contains("thumbnail"));
}

}  // namespace
}  // namespace lodestone
