// The page of answers: what it shows, and that it shows nothing else.
#include "trainer/search/result_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rng.h"
#include "support/images.h"
#include "trainer/report/html.h"
#include "trainer/search/picture.h"

namespace lodestone {
using namespace search;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
namespace {

std::string without_images(const std::vector<SearchAnswer>& answers) {
  return result_page("Search <results>", answers,
                     [](const std::string&, const std::string&, bool) { return ""; });
}

SearchHit hit(const std::string& id, const std::string& text) {
  SearchHit made;
  made.id = id;
  made.text = text;
  return made;
}

size_t count_of(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST(ResultPage, ShowsTextsInPlaceOfTheirLocations) {
  const std::string page = without_images(
      {{.query = {.id = "", .text = "where is my card"}, .hits = {hit("train.csv:125", "card lost")}}});
  EXPECT_THAT(page, AllOf(HasSubstr("<p>where is my card</p>"), HasSubstr("<p>card lost</p>"),
                          HasSubstr("train.csv:125"), HasSubstr("card plain words")));
}

TEST(ResultPage, LeavesOutALabelThatIsTheLocationOfAText) {
  SearchHit pair = hit("pairs.tsv:125:2", "card lost"), image = hit("class0/1.png", "");
  pair.label = "pairs.tsv:125";
  image.label = "class0";
  const std::string page = without_images({{.query = {"a.txt:3", "a.txt:3", "lost"}, .hits = {pair, image}}});
  EXPECT_THAT(
      page, AllOf(Not(HasSubstr("<b>pairs.tsv")), HasSubstr("<b>class0</b>"), Not(HasSubstr("label a.txt"))));
}

TEST(ResultPage, EscapesAllThatFilesAndUsersSay) {
  const std::string hostile = "</p><script>alert('1')</script>\"\x1b\xff";
  SearchHit found = hit(hostile, hostile);
  found.label = hostile;
  const std::string page = result_page(
      hostile,
      {{.query = {.id = hostile, .label = hostile, .text = hostile}, .hits = {found}, .verdict = hostile}},
      [](const std::string&, const std::string&, bool) { return "data:image/png;base64,AA=="; });
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("\"\x1b")), Not(HasSubstr("\xff")),
                          HasSubstr("&lt;script&gt;"), HasSubstr("default-src 'none'")));
}

TEST(ResultPage, IsBoundedAndSaysWhatItLeavesOut) {
  std::vector<SearchAnswer> many;
  for (int q = 0; q < 3000; ++q) many.push_back({.query = {"q"}, .hits = {hit("a", ""), hit("b", "")}});
  const std::string page = without_images(many);
  EXPECT_THAT(page, HasSubstr("The first 1666 of 3000 queries."));
  EXPECT_EQ(count_of(page, "<figure"), 4998U);
  const std::string deep =
      without_images({{.query = {"q"}, .hits = std::vector<SearchHit>(101, hit("a", ""))}});
  EXPECT_EQ(count_of(deep, "<figure"), 101U);
  EXPECT_THAT(deep, HasSubstr("… and 1 more hit"));
}

TEST(Image, IsWhatABrowserShows) {
  const std::string png = testing::png_text(testing::drawn_image(1, 2));
  EXPECT_EQ(picture_uri(png), "data:image/png;base64," + report::base64(png));
  for (const std::string& pnm :
       {std::string("P5 2 2 255 abcd"), std::string("P6 1 1 255 abc"), std::string("P1 2 1 0 1")})
    EXPECT_THAT(picture_uri(pnm), StartsWith("data:image/png;base64,")) << pnm;
}

TEST(Image, OfALargeFileIsEncodedAnew) {
  sampler::Image image(900, 700, 3);
  Random random(1, Purpose::kTrials);
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(random.below(256));
  const std::string file = testing::png_text(image), uri = picture_uri(file);
  ASSERT_GT(file.size(), size_t{1} << 20);
  EXPECT_LT(uri.size(), size_t{500} << 10);
  EXPECT_THAT(uri, StartsWith("data:image/png;base64,"));
}

TEST(Image, IsNothingElse) {
  for (const std::string& hostile :
       {std::string(), std::string("<svg xmlns='http://www.w3.org/2000/svg'/>"), std::string("<html>"),
        std::string("GIF89a"), std::string("RIFF"), std::string("P5 100000 100000 255 x"),
        std::string("root:x:0:0:root:/root:/bin/bash\n")})
    EXPECT_EQ(picture_uri(hostile), "") << hostile;
}

}  // namespace
}  // namespace lodestone
