#include "sampler/sources/tuples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "sampler/samplers/tuple_sampler.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::drawn_image;
using ::testing::HasSubstr;
using testing::write_bytes;
using testing::write_png;

class Tuples : public ::testing::Test {
 protected:
  Tuples() {
    for (int i = 0; i < 4; ++i)
      write_png(folder_.path() / "img" / std::string(1, static_cast<char>('a' + i)).append(".png"),
                drawn_image(i, i));
  }
  TupleSet read(const std::string& text, const std::string& name = "list.tsv") {
    write_bytes(folder_.path() / name, text);
    return read_tuples((folder_.path() / name).string(), {});
  }
  std::string error(const std::string& text) {
    try {
      read(text);
    } catch (const DataError& e) {
      return e.what();
    }
    return "no error";
  }
  TempFolder folder_;
};

TEST_F(Tuples, Pairs) {
  const TupleSet set = read("# two pairs\nimg/a.png\timg/b.png\t1\r\n\nimg/a.png\timg/./c.png\t0\n");
  EXPECT_EQ(set.images_per_tuple, 2);
  EXPECT_EQ(set.images->size(), 3);
  EXPECT_EQ(set.tuples, (std::vector<Tuple>{{0, 1, -1, true}, {0, 2, -1, false}}));
  EXPECT_EQ(set.images->get(2).pixels, drawn_image(2, 2).pixels);
  EXPECT_EQ(read("img/a.png,img/b.png,0\n", "list.csv").tuples.size(), 1u);
}

TEST_F(Tuples, NamesAreBelowTheListsFolder) {
  for (const std::string name : {"~/a.png", "s3://b/a.png", "https://c/a.png", "../a.png", "/a.png"})
    EXPECT_THAT(error("img/a.png\t" + name + "\t1\n"),
                ::testing::AllOf(HasSubstr("'" + name + "'"), HasSubstr("below the list's folder")));
}

TEST_F(Tuples, BadLinesAreSkippedWithinTheLimit) {
  const std::string text =
      "img/a.png\timg/b.png\t1\nimg/a.png\timg/none.png\t1\nimg/a.png\timg/c.png\t0\n../x.png\timg/a.png\t1\n"
      "img/a.png\timg/b.png\timg/c.png\nimg/a.png\n";
  EXPECT_THAT(error(text), HasSubstr("list.tsv:2"));
  const auto skipping = [&](double most) {
    return read_tuples((folder_.path() / "list.tsv").string(), {}, {IndexCache::Place::kNone},
                       {OnBadRecord::kSkip, most});
  };
  const TupleSet set = skipping(0.7);
  EXPECT_EQ(set.tuples.size(), 2U);
  EXPECT_EQ(set.bad, 4);
  EXPECT_THAT(set.messages[1], HasSubstr("list.tsv:4"));
  EXPECT_THROW(skipping(0.5), DataError);
  error("x\ty\t1\n");
  EXPECT_THROW(skipping(1), DataError);  // nothing is left
}

TEST_F(Tuples, AnImageIsNoNegativeOfItself) {
  const std::string text = "img/a.png\timg/b.png\t1\nimg/a.png\timg/./a.png\t0\nimg/c.png\timg/c.png\t1\n";
  const TupleSet set = read(text);
  EXPECT_EQ(set.bad, 0);
  EXPECT_EQ(set.tuples, (std::vector<Tuple>{{0, 1, -1, true}, {2, 2, -1, true}}))
      << "two views of an image may be a positive pair";
  EXPECT_THAT(set.left_out.sentences(),
              ::testing::ElementsAre(
                  ::testing::AllOf(HasSubstr("1 pair of an image with itself"), HasSubstr("list.tsv:2"))));
  EXPECT_THAT(error("img/a.png\timg/a.png\t0\n"), HasSubstr("list.tsv:1"));
}

TEST_F(Tuples, NamesThatAListCannotHoldAreKnown) {
  for (const std::string name : {"", "a\tb.png", "a\nb.png", "a\r", "#a.png",
                                 "\xEF\xBB\xBF"
                                 "a.png",
                                 "0", "1"})
    EXPECT_FALSE(is_tuple_column(name)) << name;
  for (const std::string name : {"a b.png", "a#.png", "\"a\".png", "01", "a.tar!1"})
    EXPECT_TRUE(is_tuple_column(name)) << name;
}

TEST_F(Tuples, Triplets) {
  const TupleSet set = read("img/c.png\timg/a.png\timg/b.png");
  EXPECT_EQ(set.images_per_tuple, 3);
  EXPECT_EQ(set.tuples, (std::vector<Tuple>{{0, 1, 2, true}}));
  EXPECT_EQ(set.images->key(0), "img/c.png");
}

TEST_F(Tuples, NameMembersOfShards) {
  write_bytes(folder_.path() / "sub" / "one.tar", testing::Tar()
                                                      .add_sample("x", drawn_image(5, 5), "c")
                                                      .add_sample("./deep/y", drawn_image(6, 6), "c")
                                                      .finished());
  write_bytes(folder_.path() / "two.tar", testing::Tar().add_sample("x", drawn_image(7, 7), "c").finished());
  const TupleSet set = read(
      "sub/one.tar!deep/y.png\ttwo.tar!x.png\timg/a.png\nsub/one.tar!x.png\tsub/one.tar!./deep/y.png\timg/"
      "b.png\n");
  ASSERT_EQ(set.images->size(), 5);
  const int drawn[] = {6, 7, 0, 5, 1};
  for (int64_t i = 0; i < 5; ++i)
    EXPECT_EQ(set.images->get(i).pixels, drawn_image(drawn[i], drawn[i]).pixels) << i;
  EXPECT_EQ(set.images->key(1), "two.tar!x.png");
  EXPECT_THAT(error("two.tar!y.png\timg/b.png\t1\n"), HasSubstr("list.tsv:1"));
  EXPECT_THAT(error("three.tar!x.png\timg/b.png\t1\n"), HasSubstr("missing"));
  EXPECT_THAT(error("../two.tar!x.png\timg/b.png\t1\n"), HasSubstr("below"));
  write_bytes(folder_.path() / "bad.tar", "no tar at all");
  EXPECT_THAT(error("bad.tar!x.png\timg/b.png\t1\n"), HasSubstr("bad.tar"));
}

TEST_F(Tuples, MistakesAreNamedWithTheirLine) {
  EXPECT_THAT(error("img/a.png\timg/b.png\n"), HasSubstr("list.tsv:1"));
  EXPECT_THAT(error("img/a.png\timg/b.png\t1\nimg/a.png\timg/b.png\t2\n"), HasSubstr("list.tsv:2"));
  EXPECT_THAT(error("img/a.png\timg/x.png\t1\n"), HasSubstr("img/x.png"));
  EXPECT_THAT(error("img/a.png\t../img/b.png\t1\n"), HasSubstr("below"));
  EXPECT_THAT(error("/etc/passwd\timg/b.png\t1\n"), HasSubstr("below"));
  EXPECT_THAT(error("img/a.png\timg/b.png\timg/b.png\n"), HasSubstr("neither"));
  EXPECT_THAT(error("# nothing\n"), HasSubstr("none"));
  EXPECT_THROW(read_tuples("/nowhere/list.tsv", {}), DataError);
}

TEST(TupleSampler, TuplesStayWholeAndComeOncePerEpoch) {
  auto images = std::make_shared<testing::SyntheticImages>(10, 1);
  std::vector<Tuple> triplets;
  for (int64_t i = 0; i < 8; ++i) triplets.push_back({i, i + 1, i + 2, true});
  const TupleSampler sampler(images, triplets, 12, 5);
  ASSERT_EQ(sampler.batches_per_epoch(), 2);
  std::multiset<int64_t> anchors;
  for (int64_t position : {0, 1}) {
    const GlobalBatch batch = sampler.batch({3, position});
    ASSERT_EQ(batch.rows(), 12);
    ASSERT_EQ(batch.tuples.size(), 4u);
    std::set<std::pair<int64_t, int32_t>> rows;
    for (size_t r = 0; r < 12; ++r) rows.insert({batch.samples[r], batch.views[r]});
    EXPECT_EQ(rows.size(), 12u);  // repeats of an image have views of their own
    for (const Tuple& t : batch.tuples) {
      const auto sample = [&](int64_t row) { return batch.samples[static_cast<size_t>(row)]; };
      EXPECT_EQ(sample(t.other), sample(t.anchor) + 1);
      EXPECT_EQ(sample(t.negative), sample(t.anchor) + 2);
      anchors.insert(sample(t.anchor));
    }
  }
  EXPECT_EQ(anchors, (std::multiset<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_THROW(TupleSampler(images, triplets, 13, 5), ConfigError);
  EXPECT_THROW(TupleSampler(images, triplets, 27, 5), DataError);
  triplets.push_back({0, 1, -1, true});
  EXPECT_THROW(TupleSampler(images, triplets, 12, 5), DataError);
}

}  // namespace
}  // namespace lodestone
