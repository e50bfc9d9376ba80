// What images of clients may cost: pixels, memory, time.
#include <future>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/peak_memory.h"
#include "sampler/codecs/decode.h"
#include "serve/serving.h"
#include "support/growth.h"
#include "trainer/serve/byte_budget.h"
#include "trainer/serve/image_reader.h"
#include "trainer/serve/request.h"

namespace lodestone::testing {
using namespace sampler;
using namespace serve;
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// n images of which each takes 65 KB as a file and 67 million pixels when decoded.
std::string bombs(size_t n) {
  static const std::string one = image(9, 8190);
  std::string body = "{\"images\": [\"" + one + "\"";
  for (size_t i = 1; i < n; ++i) body += ",\"" + one + "\"";
  return body + "]}";
}

TEST(Images, BombsAreRefusedByTheirHeaders) {
  bombs(1);  // made before memory is measured
  const Served served;
  const PeakMemory memory;
  for (const size_t n : {1, 32, 64}) {
    const HttpReply reply = served.post("/embed", bombs(n));
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, HasSubstr("images[0]: expected at most 16777216 pixels, got 8190x8190"));
  }
  EXPECT_EQ(served.peak_bytes(), 0);
  EXPECT_LT(memory.extra_mib(), 100);
}

// The header alone is all there is of each: what is refused for its size isn't looked at any further.
TEST(Images, OfEveryFormatAreRefusedByTheirHeaders) {
  const Served served;
  const std::map<std::string, std::string> claims = {
      {"99999x99999", "P6 99999 99999 255\n"},
      {"16777217x1", "P4\n# wide\n16777217 1\n"},
      {"4294967295x4294967295",
       std::string("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\10\2", 26)},
      {"65500x65500", std::string("\xFF\xD8\xFF\xE0\0\4ab\xFF\xC2\0\21\10\xFF\xDC\xFF\xDC\3\1\0\0\0", 22)},
      {"16384x16384",
       std::string("RIFF\x1A\0\0\0WEBPVP8L\x0E\0\0\0\x2F\xFF\xFF\xFF\x0F\0\0\0\0\0\0\0\0\0", 34)}};
  for (const auto& [size, file] : claims) {
    const HttpReply reply = served.post("/embed", "{\"images\": [\"" + base64(file) + "\"]}");
    EXPECT_EQ(reply.status, 400) << size;
    EXPECT_THAT(reply.body, HasSubstr("expected at most 16777216 pixels, got " + size));
  }
  EXPECT_EQ(served.peak_bytes(), 0);
}

// Where the operator lets them in, they are decoded one after another, as far as time and memory go.
TEST(Images, BombsThatAreLetInKeepToMemoryAndTime) {
  ImageLimits limits;
  limits.pixels = limits.request_pixels = int64_t{1} << 33;
  limits.decoded_bytes = int64_t{1200} << 20;  // for one at a time
  bombs(1);
  const Served served({.patience = 300ms, .images = limits});
  const PeakMemory memory;
  const auto start = Clock::now();
  std::vector<std::future<HttpReply>> replies;
  for (const size_t n : {32, 64, 32})
    replies.push_back(std::async(std::launch::async, [&, n] { return served.post("/embed", bombs(n)); }));
  for (auto& reply : replies) {
    const HttpReply reported = reply.get();
    EXPECT_EQ(reported.status, 429);
    EXPECT_THAT(reported.head, HasSubstr("Retry-After"));
  }
  EXPECT_LT(Clock::now() - start, 60s);  // decoding all of them takes minutes on a busy machine
  EXPECT_LE(served.peak_bytes(), limits.decoded_bytes);
  EXPECT_LT(memory.extra_mib(), 500);
  EXPECT_EQ(served.get("/healthz").status, 200);
}

TEST(Images, OfARequestCountTogether) {
  ImageLimits limits;
  limits.pixels = 100;
  limits.request_pixels = 250;
  const Served served({.images = limits});
  const auto images = [](int side, int count) {
    std::string body = "{\"images\": [\"" + image(1, side) + "\"";
    for (int i = 1; i < count; ++i) body += ",\"" + image(1, side) + "\"";
    return body + "]}";
  };
  EXPECT_EQ(served.post("/embed", images(10, 2)).status, 200);
  EXPECT_THAT(served.post("/embed", images(10, 3)).body, HasSubstr("at most 250 pixels in all, got 300"));
  EXPECT_THAT(served.post("/verify", images(11, 2)).body,
              HasSubstr("images[0]: expected at most 100 pixels"));
  EXPECT_EQ(served.post("/embed", images(2, 60)).status, 200);
}

TEST(Images, BecomeWhatTheEncoderSeesInEvaluation) {
  ImageTransformConfig shape;
  shape.width = 7;
  shape.height = 5;
  shape.channels = 3;
  const ImageTransform transform(shape);
  const ImageReader reader(transform, {});
  Image image(40, 30, 3);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 37 + i / 91);
  const std::vector<uint8_t> png = encode_png(image);
  std::vector<float> expected(static_cast<size_t>(transform.numel()));
  transform.plain(image, expected);
  EXPECT_EQ(reader.read({reinterpret_cast<const char*>(png.data()), png.size()}, "x"), expected);
  EXPECT_EQ(reader.kept_bytes(), 7 * 5 * 3 * 4);
}

ByteBudget::Lease lease(ByteBudget& budget, int64_t bytes, std::chrono::milliseconds patience = 30s) {
  return budget.take(bytes, Clock::now() + patience);
}

TEST(ByteBudget, GivesWhatThereIsAndTakesItBack) {
  ByteBudget budget(100);
  auto first = lease(budget, 60);
  {
    const auto second = lease(budget, 40);
    EXPECT_THROW(lease(budget, 1, 1ms), OverloadError);
  }
  first.keep(90);  // no more than it has
  const auto third = lease(budget, 40);
  first.keep(10);
  const auto fourth = lease(budget, 50);
  EXPECT_THROW(lease(budget, 1, 1ms), OverloadError);
  EXPECT_EQ(budget.peak(), 100);
}

TEST(ByteBudget, GivesWithoutWaitingWhatThereIs) {
  ByteBudget budget(100);
  {
    const auto first = budget.try_take(60);
    ASSERT_TRUE(first);
    EXPECT_FALSE(budget.try_take(41));
    EXPECT_TRUE(budget.try_take(40));
  }
  EXPECT_TRUE(budget.try_take(1000));
  EXPECT_EQ(budget.peak(), 100);
}

TEST(ImageReader, IsQuickWithFewPixels) {
  ImageTransformConfig shape;
  shape.width = shape.height = 64;
  shape.channels = 1;
  shape.mean = {0};
  shape.std = {1};
  const ImageReader reader(ImageTransform(shape), {});
  const std::string small = png(9, 64), large = png(9, 65);
  EXPECT_TRUE(reader.quick({small}));
  EXPECT_FALSE(reader.quick({large}));
  EXPECT_FALSE(reader.quick({small, small}));
  EXPECT_FALSE(reader.quick({"no image"}));
  const std::string tiny = png(9, 2);
  EXPECT_TRUE(reader.quick({tiny, tiny, tiny, tiny}));
  EXPECT_FALSE(reader.quick({tiny, tiny, tiny, tiny, tiny}));  // as many values as five images of 64 × 64
}

TEST(ByteBudget, GivesAllToWhoWantsMore) {
  ByteBudget budget(100);
  { const auto all = lease(budget, 1000); }
  const auto some = lease(budget, 1);
  EXPECT_THROW(lease(budget, 1000, 1ms), OverloadError);
}

TEST(ByteBudget, ServesInTheOrderOfComing) {
  ByteBudget budget(100);
  std::optional<ByteBudget::Lease> first(lease(budget, 50));
  std::atomic<bool> large_came = false;
  std::future<void> large = std::async(std::launch::async, [&] {
    const auto own = lease(budget, 100);
    large_came = true;
  });
  // A small one has room only until the large one waits.
  while (true) try {
      lease(budget, 10, 0ms);
    } catch (const OverloadError&) {
      break;
    }
  std::future<bool> small = std::async(std::launch::async, [&] {
    const auto own = lease(budget, 10);
    return large_came.load();
  });
  first.reset();
  EXPECT_TRUE(small.get());
  large.get();
}

TEST(ByteBudget, WhoGivesUpLetsTheNextOneIn) {
  ByteBudget budget(100);
  const auto first = lease(budget, 50);
  std::future<void> small;
  EXPECT_THROW(
      {
        small = std::async(std::launch::async, [&] { lease(budget, 10, 30s); });
        lease(budget, 100, 50ms);
      },
      OverloadError);
  small.get();
}

// Bodies that are long without holding much, as one or many things.
TEST(RequestTakes, TwiceAsLongForTwiceAsMuch) {
  const auto read = [](const std::string& body) {
    try {
      parse_request({.body = body}, {}, {.rows = 64, .text_bytes = SIZE_MAX});
    } catch (const DataError&) {
    }
  };
  const auto repeated = [](const char* begin, const char* one, const char* end) {
    return [=](size_t n) {
      std::string body = begin;
      for (size_t i = 0; i < n; ++i) body += one;
      return body + end;
    };
  };
  expect_linear(repeated(R"({"texts": [")", "a", "\"]}"), read);
  expect_linear(repeated(R"({"texts": [")", "\\u00e9", "\"]}"), read);
  expect_linear(repeated(R"({"images": [")", "AAAA", "\"]}"), read);
  expect_linear(repeated(R"({"images": [")", "AAAA\\r\\n", "\"]}"), read);
  expect_linear(repeated("{", " \n", "}"), read);
}

}  // namespace
}  // namespace lodestone::testing
