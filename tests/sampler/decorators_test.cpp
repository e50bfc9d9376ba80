#include <gtest/gtest.h>

#include "sampler/sources/cached_dataset.h"
#include "sampler/sources/quarter_turns.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::drawn_image;
using testing::SyntheticImages;

TEST(QuarterTurns, EveryTurnIsAClassAndLookAlikesStayTogether) {
  const auto set = quarter_turns(std::make_shared<SyntheticImages>(3, 2, std::vector<int64_t>{0, 0, 1}));
  EXPECT_EQ(set->size(), 24);
  EXPECT_EQ(set->classes(), 12);
  EXPECT_EQ(set->label(4 * 3 + 2), 4 * 1 + 2);
  EXPECT_EQ(set->class_name(6), "c1@180");
  EXPECT_EQ(set->group(1), set->group(5));  // c0@90 and c1@90
  EXPECT_NE(set->group(1), set->group(4));
  EXPECT_EQ(set->id(12), sample_id("synthetic/3"));
  EXPECT_NE(set->id(13), set->id(12));
  EXPECT_EQ(set->get(13).pixels, turned(drawn_image(1, 1), 1).pixels);
}

TEST(QuarterTurns, TurnsClockwise) {
  Image image(3, 2, 1);
  image.pixels = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(turned(image, 1).pixels, (std::vector<uint8_t>{4, 1, 5, 2, 6, 3}));
  EXPECT_EQ(turned(image, 1).width, 2);
  EXPECT_EQ(turned(image, 2).pixels, (std::vector<uint8_t>{6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(turned(image, 3).pixels, (std::vector<uint8_t>{3, 6, 2, 5, 1, 4}));
  EXPECT_EQ(turned(image, -1).pixels, turned(image, 3).pixels);
}

class Counted : public SyntheticImages {
 public:
  using SyntheticImages::SyntheticImages;
  Image get(int64_t i) const override {
    ++reads;
    return SyntheticImages::get(i);
  }
  mutable int reads = 0;
};

TEST(CachedDataset, ReadsOnceAsLongAsThereIsRoom) {
  auto base = std::make_shared<Counted>(2, 5);
  const auto set = cached(base, 3 * static_cast<int64_t>(sizeof(Image) + 12 * 10));
  for (int round = 0; round < 2; ++round)
    for (int64_t i = 0; i < 10; ++i) EXPECT_EQ(set->get(i).pixels, drawn_image(i / 5, i % 5).pixels);
  EXPECT_EQ(base->reads, 10 + 7);
  EXPECT_EQ(cached(base, 0), base);
}

}  // namespace
}  // namespace lodestone
