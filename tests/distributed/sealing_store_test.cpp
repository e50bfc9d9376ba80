// The store that NCCL gets, over one in this process that stands in for rank 0's.
#include "distributed/control/sealing_store.h"

#include <gtest/gtest.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "common/error.h"

namespace lodestone {
using namespace distributed;
namespace {

class SealingStoreTest : public ::testing::Test {
 protected:
  c10::intrusive_ptr<SealingStore> store_of(const std::string& token, int64_t generation,
                                            const std::string& purpose = "nccl") {
    return c10::make_intrusive<SealingStore>(Seal(token, generation), purpose, inner_,
                                             [this](const std::string& what) { refused_ = what; });
  }
  std::string get(SealingStore& store, const std::string& key) {
    const auto bytes = store.get(key);
    return {bytes.begin(), bytes.end()};
  }
  // The one key that lies in the store below.
  std::string only_key() const {
    const auto keys = inner_->listKeys();
    return keys.size() == 1 ? keys.front() : "";
  }

  c10::intrusive_ptr<c10d::Store> inner_ = c10::make_intrusive<c10d::HashStore>();
  std::string refused_;
};

TEST_F(SealingStoreTest, ranks_of_one_job_read_each_other_and_strangers_read_nothing) {
  const std::string id = "address and magic of NCCL's root";
  const auto writer = store_of("ours", 3), reader = store_of("ours", 3);
  writer->set("0", id);
  EXPECT_TRUE(reader->check({"0"}));
  reader->wait({"0"});
  EXPECT_EQ(get(*reader, "0"), id);
  EXPECT_EQ(reader->multiGet({"0", "0"}).size(), 2u);
  const std::string key = only_key();
  EXPECT_EQ(key.find("nccl"), std::string::npos) << key;
  EXPECT_EQ(inner_->get_to_str(key).find("address"), std::string::npos);
  EXPECT_FALSE(store_of("theirs", 3)->check({"0"}));
  EXPECT_FALSE(store_of("ours", 2)->check({"0"}));
  EXPECT_FALSE(store_of("ours", 3, "other group")->check({"0"}));
  EXPECT_EQ(refused_, "");
}

TEST_F(SealingStoreTest, a_replaced_value_is_refused_and_reported) {
  const auto store = store_of("ours", 0);
  store->set("0", "id");
  const std::string key = only_key();
  for (const std::string& forged :
       {std::string("id"), std::string(), std::string(200, 'x'), Seal("theirs", 0).hide("nccl/0", "id")}) {
    inner_->set(key, forged);
    refused_.clear();
    EXPECT_THROW(store->get("0"), CommError) << forged;
    EXPECT_NE(refused_.find("nccl/0 was not written by a rank of this job"), std::string::npos) << refused_;
  }
}

TEST_F(SealingStoreTest, a_value_that_is_copied_from_another_key_is_refused) {
  const auto store = store_of("ours", 0);
  store->set("0", "id of the first group");
  const std::string sealed = inner_->get_to_str(only_key());
  inner_->set(Seal("ours", 0).key("nccl/1"), sealed);
  EXPECT_THROW(store->get("1"), CommError);
  EXPECT_EQ(get(*store, "0"), "id of the first group");
}

TEST_F(SealingStoreTest, what_is_deleted_is_gone_and_counters_count) {
  const auto store = store_of("ours", 0);
  store->multiSet({"a", "b"}, {{1, 2}, {3}});
  EXPECT_TRUE(store->deleteKey("a"));
  EXPECT_FALSE(store->check({"a"}));
  EXPECT_EQ(store->add("count", 2), 2);
  EXPECT_EQ(store->add("count", 3), 5);
  EXPECT_THROW(store->wait({"a"}, std::chrono::milliseconds(1)), std::exception);
}

}  // namespace
}  // namespace lodestone
