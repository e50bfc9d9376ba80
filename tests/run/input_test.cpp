// Samples that a user names for a model, and what rows store of them.
#include "trainer/run/data_kinds/input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "sampler/codecs/thumbnail.h"
#include "support/images.h"
#include "support/texts.h"
#include "trainer/run/run_config.h"

namespace lodestone::testing {
using namespace run;
namespace {

using ::testing::HasSubstr;

class ForCaptions : public ::testing::Test {
 protected:
  ForCaptions() {
    write_png(path("a.png"), drawn_image(1, 2, 80, 60));
    write_png(path("b.png"), drawn_image(3, 4));
    write_bytes(path("captions.tsv"), "a.png\ta red <dog>\na.png\tan animal\nb.png\ta blue cat\n");
    write_bytes(path("list.csv"), "path,label\na.png,dog\nb.png,cat\n");
    write_bytes(path("no.tsv"), "missing.png\ta caption\n");
    read_run_config(parse_yaml("data: {kind: image_texts, root: " + folder_.path().string() + "}\n" +
                                   "sampler: {name: two_views}\nevaluate: {data: {path: captions.tsv}}\n",
                               "run.yaml"),
                    {}, "run", config_);
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  TempFolder folder_;
  RunConfig config_{Tables()};
};

TEST_F(ForCaptions, RowsHoldTheFirstCaptionBesideTheThumbnail) {
  for (const std::string& named : {std::string(), path("captions.tsv")}) {
    const Input input = open_input(config_, named);
    ASSERT_EQ(input.dataset().size(), 2);
    EXPECT_TRUE(input.has_text());
    const search::EmbeddedRow row = input.row(0, {.thumbnail_side = 32});
    EXPECT_EQ(row.id, "a.png");
    EXPECT_EQ(row.label, "");
    EXPECT_EQ(row.text, "a red <dog>");
    EXPECT_STREQ(sampler::thumbnail_type(row.thumbnail), "image/webp");
    EXPECT_EQ(input.row(1, {.text = false}), search::EmbeddedRow{"b.png"});
  }
}

TEST_F(ForCaptions, ImagesNeedNoCaptions) {
  const Input listed = open_input(config_, path("list.csv"));
  EXPECT_EQ(listed.row(0).label, "dog");
  EXPECT_FALSE(listed.has_text());
  EXPECT_EQ(open_input(config_, path("a.png")).row(0).text, "");
  EXPECT_EQ(open_input(config_, path("")).dataset().size(), 2);
}

TEST_F(ForCaptions, TheErrorIsThatOfCaptions) {
  EXPECT_THAT(message_of<DataError>([&] { open_input(config_, path("no.tsv")); }),
              HasSubstr("captions: expected an image"));
}

}  // namespace
}  // namespace lodestone::testing
