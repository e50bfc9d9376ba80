// Files of embeddings with many rows, whose names stand beside them or within.
#include <fstream>
#include <string>

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "common/safetensors.h"
#include "support/growth.h"
#include "trainer/search/embeddings.h"

namespace lodestone {
using namespace search;
namespace {

at::Tensor rows(size_t n) {
  return at::zeros({static_cast<int64_t>(n), 1});
}

class EmbeddingsTake : public ::testing::Test {
 protected:
  std::string name(const char* kind, size_t n) const {
    return (folder_.path() / (kind + std::to_string(n) + ".safetensors")).string();
  }
  const TempFolder folder_;
};

TEST_F(EmbeddingsTake, TwiceAsLongForTwiceAsManyRowsWithin) {
  testing::expect_linear(
      [&](size_t n) {
        Embeddings made{rows(n), {}, {}};
        for (size_t i = 0; i < n; ++i) made.rows_N.push_back({"id " + std::to_string(i), "label"});
        write_embeddings(name("within", n), made);
        return name("within", n);
      },
      [](const std::string& file) { read_embeddings(file); });
}

TEST_F(EmbeddingsTake, TwiceAsLongForTwiceAsManyRowsBeside) {
  testing::expect_linear(
      [&](size_t n) {
        const std::string file = name("beside", n);
        write_safetensors(file, {{"embeddings", rows(n)}}, {});
        std::ofstream lines(rows_beside(file));
        for (size_t i = 0; i < n; ++i) lines << row_line({"id " + std::to_string(i), "label"});
        return file;
      },
      [](const std::string& file) { read_embeddings(file); });
}

}  // namespace
}  // namespace lodestone
