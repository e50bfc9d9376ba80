#include "distributed/control/seal.h"

#include <gtest/gtest.h>

namespace lodestone {
using namespace distributed;
namespace {

TEST(Seal, opens_what_was_closed_under_the_same_name) {
  const Seal seal("token", 2);
  const std::string sealed = seal.close("beat/1", "3 17 0\n");
  EXPECT_EQ(seal.open("beat/1", sealed), "3 17 0\n");
  EXPECT_EQ(seal.open("empty", seal.close("empty", "")), "");
  EXPECT_EQ(seal.open("beat/2", sealed), std::nullopt);
}

TEST(Seal, another_generation_or_another_job_is_not_believed) {
  const std::string sealed = Seal("token", 2).close("verdict", "-");
  EXPECT_EQ(Seal("token", 1).open("verdict", sealed), std::nullopt);
  EXPECT_EQ(Seal("other", 2).open("verdict", sealed), std::nullopt);
  const std::string hidden = Seal("token", 2).hide("nccl/0", "id");
  EXPECT_EQ(Seal("token", 1).reveal("nccl/0", hidden), std::nullopt);
  EXPECT_EQ(Seal("other", 2).reveal("nccl/0", hidden), std::nullopt);
}

TEST(Seal, every_changed_byte_and_every_cut_is_noticed) {
  const Seal seal("token", 0);
  const std::string sealed = seal.close("verdict", "rank 1 is lost");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(seal.open("verdict", changed), std::nullopt) << i;
    EXPECT_EQ(seal.open("verdict", sealed.substr(0, i)), std::nullopt) << i;
  }
}

// Name and text cannot be shifted into each other.
TEST(Seal, name_and_text_have_a_border) {
  const Seal seal("token", 0);
  const std::string code = seal.close("ab", "c").substr(0, 64);
  EXPECT_EQ(seal.open("a", code + "bc"), std::nullopt);
}

TEST(Seal, keys_reveal_neither_the_name_nor_each_other) {
  const Seal seal("token", 0);
  EXPECT_EQ(seal.key("beat/1"), Seal("token", 0).key("beat/1"));
  EXPECT_EQ(seal.key("beat/1").find("beat"), std::string::npos);
  EXPECT_NE(seal.key("beat/1"), seal.key("beat/2"));
  EXPECT_NE(seal.key("beat/1"), Seal("token", 1).key("beat/1"));
  EXPECT_NE(seal.key("beat/1"), Seal("other", 0).key("beat/1"));
}

TEST(Seal, what_is_hidden_is_read_under_its_name_alone_and_never_looks_the_same) {
  const Seal seal("token", 0);
  const std::string text(128, 'i'), hidden = seal.hide("nccl/0", text);
  EXPECT_EQ(seal.reveal("nccl/0", hidden), text);
  EXPECT_EQ(seal.reveal("nccl/1", hidden), std::nullopt);
  EXPECT_EQ(hidden.find("iiii"), std::string::npos);
  EXPECT_NE(hidden, seal.hide("nccl/0", text));
  EXPECT_EQ(seal.reveal("empty", seal.hide("empty", "")), "");
  for (size_t i = 0; i < hidden.size(); ++i) {
    std::string changed = hidden;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(seal.reveal("nccl/0", changed), std::nullopt) << i;
    EXPECT_EQ(seal.reveal("nccl/0", hidden.substr(0, i)), std::nullopt) << i;
  }
}

TEST(RandomToken, is_long_and_never_the_same) {
  EXPECT_EQ(random_token().size(), 64u);
  EXPECT_NE(random_token(), random_token());
}

}  // namespace
}  // namespace lodestone
