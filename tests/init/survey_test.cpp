#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampler/texts/text_source.h"
#include "support/images.h"
#include "support/texts.h"
#include "trainer/survey/class_survey.h"
#include "trainer/survey/image_survey.h"
#include "trainer/survey/spread.h"
#include "trainer/survey/text_survey.h"

namespace lodestone::survey {
namespace {

using testing::Image;

/// One image, as often as wanted; every third is damaged if asked for.
class OneImage : public testing::SyntheticImages {
 public:
  explicit OneImage(Image image, std::set<int64_t> bad = {})
      : SyntheticImages(10, 10, {}, bad), image_(std::move(image)) {}
  Image get(int64_t i) const override {
    SyntheticImages::get(i);
    return image_;
  }

 private:
  Image image_;
};

// Dark strokes on paper of this brightness, of an eighth of the pixels.
Image letter(uint8_t paper, int side = 32) {
  Image image(side, side, 3, paper);
  for (int y = side / 4; y < 3 * side / 4; ++y)
    for (int x = 3 * side / 8; x < 5 * side / 8; ++x)
      for (int c = 0; c < 3; ++c) image.at(x, y, c) = static_cast<uint8_t>(255 - paper);
  return image;
}

Image photograph(bool coloured) {
  Image image(96, 64, 3);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c)
        image.at(x, y, c) = static_cast<uint8_t>(20 + 2 * x + (coloured ? 20 * c : 0));
  return image;
}

TEST(Spread, HasQuantilesAndTheMean) {
  const Spread spread = spread_of({5, 1, 3, 2, 4});
  EXPECT_EQ(spread.count, 5);
  EXPECT_EQ(spread.smallest, 1);
  EXPECT_EQ(spread.median, 3);
  EXPECT_EQ(spread.largest, 5);
  EXPECT_EQ(spread.mean, 3);
  EXPECT_EQ(spread_of({}).count, 0);
}

TEST(Spread, EveryBeginningOfASampleCoversTheWhole) {
  const std::vector<int64_t> indices = spread_samples(1000, 100);
  EXPECT_EQ(std::set<int64_t>(indices.begin(), indices.end()).size(), 100U);
  std::set<int64_t> tenths;
  for (size_t i = 0; i < 20; ++i) tenths.insert(indices[i] / 100);
  EXPECT_EQ(tenths.size(), 10U);
  EXPECT_EQ(spread_samples(3, 100).size(), 3U);
  EXPECT_TRUE(spread_samples(0, 100).empty());
}

TEST(Spread, AWalkCountsWhatItCannotReadAndKeepsItsBounds) {
  std::set<int64_t> visited;
  const Unread unread = visit_spread(100, {.samples = 40, .seconds = 1e9}, [&](int64_t i) {
    visited.insert(i);
    if (i % 2 == 1) throw DataError("number " + std::to_string(i));
    return true;
  });
  EXPECT_EQ(visited.size(), 40U);
  EXPECT_EQ(unread.count, std::ranges::count_if(visited, [](int64_t i) { return i % 2 == 1; }));
  EXPECT_THAT(unread.first, ::testing::HasSubstr("number "));
  int visits = 0;
  visit_spread(100, {.samples = 40, .seconds = 1e9}, [&](int64_t) { return ++visits < 7; });
  EXPECT_EQ(visits, 7);
}

TEST(ClassSurvey, CountsClassesSamplesAndGroups) {
  const ClassSurvey found = survey_classes(testing::SyntheticImages(4, 5, {0, 1, 1, 2}));
  EXPECT_EQ(found.samples, 20);
  EXPECT_EQ(found.classes, 4);
  EXPECT_EQ(found.groups, 3);
  EXPECT_EQ(found.per_class.median, 5);
  EXPECT_EQ(found.classes_with(5), 4);
  EXPECT_EQ(found.classes_with(6), 0);
}

TEST(ImageSurvey, TellsLettersFromPhotographsAndFindsTheirPaper) {
  const ImageSurvey letters = survey_images(OneImage(letter(255)));
  EXPECT_TRUE(letters.is_drawing());
  EXPECT_FALSE(letters.is_coloured());
  EXPECT_NEAR(letters.background.value_or(0), 1, 1e-6);
  EXPECT_NEAR(letters.grey_mean, 0.875, 0.01);
  EXPECT_EQ(letters.width.median, 32);
  EXPECT_NEAR(survey_images(OneImage(letter(0))).background.value_or(1), 0, 1e-6);
  const ImageSurvey photographs = survey_images(OneImage(photograph(true)));
  EXPECT_FALSE(photographs.is_drawing());
  EXPECT_TRUE(photographs.is_coloured());
  EXPECT_FALSE(photographs.background.has_value());
  EXPECT_GT(photographs.mean[2], photographs.mean[0] + 0.1);
  EXPECT_FALSE(survey_images(OneImage(photograph(false))).is_coloured());
}

TEST(ImageSurvey, CountsDamagedImagesAndKeepsItsBounds) {
  const ImageSurvey found = survey_images(OneImage(letter(255), {0, 10, 20, 30, 40}));
  EXPECT_EQ(found.damaged, 5);
  EXPECT_EQ(found.read, 95);
  EXPECT_THAT(found.first_damaged, ::testing::HasSubstr("bad record"));
  EXPECT_EQ(survey_images(OneImage(letter(255)), {.samples = 7}).read, 7);
  EXPECT_EQ(survey_images(OneImage(letter(255)), {.seconds = 0}).read, 1);
}

TEST(TextSurvey, MeasuresLengthsAndWritingSystems) {
  const testing::TextFolder folder;
  const auto survey = [&](const std::string& rows) {
    sampler::TextSource source;
    source.path = folder.write("texts.tsv", rows);
    source.layout.format = sampler::TextFormat::kTexts;
    return survey_texts(*sampler::open_texts(source).texts);
  };
  const TextSurvey english = survey("a short text\nfour words in it\n");
  EXPECT_EQ(english.read, 2);
  EXPECT_EQ(english.words.largest, 4);
  EXPECT_EQ(english.characters.smallest, 12);
  EXPECT_FALSE(english.is_multilingual());
  const TextSurvey several = survey("Привет мир\nhello world\n");
  EXPECT_TRUE(several.is_multilingual());
  EXPECT_NEAR(several.not_latin, 9.0 / 19, 1e-9);
  EXPECT_EQ(several.characters.smallest, 10);
}

}  // namespace
}  // namespace lodestone::survey
