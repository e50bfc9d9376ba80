#include "sampler/sources/data_part.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampler/sources/encoded_images.h"
#include "sampler/sources/tuple_part.h"
#include "sampler/texts/image_texts.h"
#include "sampler/texts/text_components.h"
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

// Images whose files can be read: the file of sample i is the byte i.
class WithFiles : public SyntheticImages, public EncodedImages {
 public:
  using SyntheticImages::SyntheticImages;
  std::vector<std::byte> encoded(int64_t i) const override { return {static_cast<std::byte>(i)}; }
};

// Copies are found by the bytes of files, in a part as in the whole.
TEST(DataPart, HasTheFilesOfItsImages) {
  const auto images = std::make_shared<WithFiles>(20, 3);
  const auto part = part_of_images(images, {.from = 0.5});
  ASSERT_GT(part->size(), 0);
  ASSERT_LT(part->size(), images->size());
  for (int64_t i = 0; i < part->size(); ++i) {
    const auto file = encoded_image(*part, i);
    ASSERT_EQ(file.size(), 1U);
    EXPECT_EQ(images->id(static_cast<int64_t>(file[0])), part->id(i));
  }
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

// Rows a-b, b-c, c-d … are one chain; only the whole chain may be on a side.
TEST(DataPart, RowsThatShareTextsAreOnOneSide) {
  const testing::TextFolder folder;
  std::string rows;
  for (int chain = 0; chain < 60; ++chain)
    for (int n = 0; n < 3; ++n)
      for (int step = 0; step < 2; ++step)
        rows += (step == 0 ? "text " : "\ttext ") + std::to_string(chain) + " " + std::to_string(n + step) +
                (step == 1 ? "\t" + std::to_string(n % 2) + "\n" : "");
  TextSource source;
  source.path = folder.write("pairs.tsv", rows);
  source.layout.format = TextFormat::kPairs;
  const auto ids_of = [&](const DataPart& part) {
    source.part = part;
    const TextSet set = open_texts(source);
    EXPECT_EQ(set.rows % 3, part.of == PartOf::kClasses ? 0 : set.rows % 3);
    std::set<uint64_t> ids;
    for (int64_t i = 0; i < set.texts->size(); ++i) ids.insert(set.texts->id(i));
    return ids;
  };
  const std::vector<TextComponents::Component> components = text_components(source);
  ASSERT_EQ(components.size(), 60U);
  const double boundary = components[40].number;
  EXPECT_EQ(components[40].rows, 3);
  const auto low = ids_of({.to = boundary}), high = ids_of({.from = boundary});
  EXPECT_EQ(low.size(), 40U * 4);
  EXPECT_EQ(high.size(), 20U * 4);
  EXPECT_TRUE(both(low, high).empty());
  // By their first text they are not.
  EXPECT_FALSE(
      both(ids_of({.of = PartOf::kSamples, .to = 0.5}), ids_of({.of = PartOf::kSamples, .from = 0.5}))
          .empty());
}

TEST(DataPart, TuplesGoByTheClassFoldersOfAllTheirImages) {
  const testing::TextFolder folder;
  std::string rows;
  for (int c = 0; c < 20; ++c) {
    const std::string name = "c" + std::to_string(c), next = "c" + std::to_string((c + 1) % 20);
    for (int i = 0; i < 2; ++i)
      testing::write_png(folder.path(name + "/" + std::to_string(i) + ".png"), testing::drawn_image(c, i));
    rows += name + "/0.png\t" + name + "/1.png\t1\n" + name + "/0.png\t" + next + "/1.png\t0\n";
  }
  const std::string list = folder.write("pairs.tsv", rows);
  ImageSourceConfig folders;
  folders.path = folder.path("");
  folders.part = {.from = 0.6};
  const std::set<std::string> held = classes_of(*open_images(folders, {}));
  const TupleSet low = read_tuples(list, {}, {}, {}, {.to = 0.6}), all = read_tuples(list, {});
  EXPECT_LT(low.tuples.size(), all.tuples.size());
  EXPECT_EQ(std::ranges::count_if(low.tuples, &Tuple::same), 20 - static_cast<int64_t>(held.size()));
  for (int64_t i = 0; i < low.images->size(); ++i) {
    const std::string key = low.images->key(i);
    EXPECT_FALSE(held.contains(key.substr(0, key.find('/')))) << key;
  }
  folder.write("loose.tsv", "c0/0.png\tc0/1.png\t1\n0.png\tc0/1.png\t0\n");
  EXPECT_THROW(read_tuples(folder.path("loose.tsv"), {}, {}, {}, {.to = 0.6}), DataError);
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
