// The header alone of a safetensors file is long without the file being large.
#include <string>

#include <gtest/gtest.h>

#include "common/safetensors.h"
#include "support/growth.h"

namespace lodestone {
namespace {

std::string file_with(const std::string& header) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  return file + header;
}

void read(const std::string& file) {
  read_safetensors_header(file, "long.safetensors");
}

TEST(SafetensorsTakes, TwiceAsLongForTwiceAsManyTensors) {
  testing::expect_linear(
      [](size_t n) {
        std::string header = "{";
        for (size_t i = 0; i < n; ++i)
          header +=
              (i ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
        return file_with(header + "}");
      },
      read);
}

TEST(SafetensorsTakes, TwiceAsLongForTwiceAsManyFacts) {
  testing::expect_linear(
      [](size_t n) {
        std::string header = R"({"__metadata__":{)";
        for (size_t i = 0; i < n; ++i) header += (i ? ",\"" : "\"") + std::to_string(i) + R"(":"")";
        return file_with(header + "}}");
      },
      read);
}

}  // namespace
}  // namespace lodestone
