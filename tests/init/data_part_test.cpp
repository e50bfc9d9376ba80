#include "sampler/sources/data_part.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampler/texts/image_texts.h"
#include "sampler/texts/text_source.h"
#include "support/images.h"
#include "support/texts.h"

namespace lodestone::sampler {
namespace {

using testing::SyntheticImages;

std::set<std::string> classes_of(const Dataset& data) {
  std::set<std::string> names;
  for (int64_t i = 0; i < data.size(); ++i) names.insert(data.class_name(data.label(i)));
  return names;
}

std::set<std::string> keys_of(const Dataset& data) {
  std::set<std::string> keys;
  for (int64_t i = 0; i < data.size(); ++i) keys.insert(data.key(i));
  return keys;
}

template <typename Set>
Set both(const Set& a, const Set& b) {
  Set shared;
  for (const auto& one : a)
    if (b.contains(one)) shared.insert(one);
  return shared;
}

TEST(DataPart, TwoPartsShareNoClassAndHaveAllSamples) {
  const auto images = std::make_shared<SyntheticImages>(50, 3);
  const auto low = part_of_images(images, {.to = 0.7}), high = part_of_images(images, {.from = 0.7});
  EXPECT_EQ(low->size() + high->size(), 150);
  EXPECT_TRUE(both(classes_of(*low), classes_of(*high)).empty());
  EXPECT_EQ(low->classes() + high->classes(), 50);
  EXPECT_NEAR(static_cast<double>(low->classes()), 35, 10);
  EXPECT_EQ(low->get(0).width, 12);
  EXPECT_EQ(part_of_images(images, {}), images);
}

TEST(DataPart, ANewClassMovesNoOtherOne) {
  const auto few = part_of_images(std::make_shared<SyntheticImages>(50, 3), {.to = 0.5});
  const auto more = part_of_images(std::make_shared<SyntheticImages>(60, 3), {.to = 0.5});
  EXPECT_EQ(both(classes_of(*few), classes_of(*more)), classes_of(*few));
}

TEST(DataPart, LookAlikesAreOnOneSide) {
  std::vector<int64_t> groups;
  for (int64_t c = 0; c < 40; ++c) groups.push_back(c / 2);
  const auto images = std::make_shared<SyntheticImages>(40, 2, groups);
  const auto low = part_of_images(images, {.to = 0.5});
  EXPECT_EQ(low->classes() % 2, 0);
  for (int64_t c = 0; c < low->classes(); c += 2) EXPECT_EQ(low->group(c), low->group(c + 1));
  EXPECT_LT(low->classes(), 40);
}

TEST(DataPart, SamplesAreSplitWithinClasses) {
  const auto images = std::make_shared<SyntheticImages>(4, 100);
  const auto low = part_of_images(images, {.of = PartOf::kSamples, .to = 0.8});
  const auto high = part_of_images(images, {.of = PartOf::kSamples, .from = 0.8});
  EXPECT_EQ(low->size() + high->size(), 400);
  EXPECT_EQ(low->classes(), 4);
  EXPECT_EQ(high->classes(), 4);
  EXPECT_TRUE(both(keys_of(*low), keys_of(*high)).empty());
}

TEST(DataPart, AnEmptyPartIsAnError) {
  EXPECT_THROW(part_of_images(std::make_shared<SyntheticImages>(2, 1), {.from = 0.49999, .to = 0.5}),
               DataError);
}

TEST(DataPart, TextsGoByTheirLabelOrByTheText) {
  const testing::TextFolder folder;
  std::string rows;
  for (int label = 0; label < 40; ++label)
    for (int n = 0; n < 3; ++n)
      rows += "text " + std::to_string(n) + " of " + std::to_string(label) + "\tclass" +
              std::to_string(label) + "\n";
  TextSource source;
  source.path = folder.write("texts.tsv", rows);
  source.part = {.to = 0.6};
  const TextSet low = open_texts(source);
  source.part = {.from = 0.6};
  const TextSet high = open_texts(source);
  EXPECT_EQ(low.rows + high.rows, 120);
  EXPECT_TRUE(both(classes_of(*low.texts), classes_of(*high.texts)).empty());
  EXPECT_GT(high.rows, 0);
  source.part = {.of = PartOf::kSamples, .to = 0.5};
  const TextSet half = open_texts(source);
  EXPECT_NEAR(static_cast<double>(half.rows), 60, 25);
  EXPECT_GT(half.texts->classes(), 25);
}

TEST(DataPart, CaptionsGoByTheirImage) {
  const testing::TextFolder folder;
  std::string rows = "path\tcaption\n";
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i) + ".png";
    testing::write_png(folder.path(name), testing::drawn_image(i, 0));
    rows += name + "\tone of " + name + "\n" + name + "\tanother of " + name + "\n";
  }
  ImageSourceConfig source;
  source.path = folder.write("captions.tsv", rows);
  source.part = {.to = 0.5};
  const ImageTextSet low = open_image_texts(source, {}, {}, {.channels = 1});
  EXPECT_EQ(low.captions->size(), 2 * low.images->size());
  EXPECT_NEAR(static_cast<double>(low.images->size()), 10, 7);
}

}  // namespace
}  // namespace lodestone::sampler
