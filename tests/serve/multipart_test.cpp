#include "trainer/serve/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "serve/serving.h"
#include "support/growth.h"

namespace lodestone::testing {
using namespace serve;
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::string& body, size_t most = 8) {
  try {
    parse_multipart(body, "x", most);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

// One part with these headers.
std::string part(const std::string& headers, const std::string& bytes = "a") {
  return "--x\r\n" + headers + "\r\n\r\n" + bytes + "\r\n--x--\r\n";
}

TEST(Multipart, HasItsFieldsInOrder) {
  const std::string body =
      "before\r\n" + form({{"image", std::string("\0\r\n--\xff", 6), "a.png"}, {"k", ""}});
  const auto parts = parse_multipart(body, "----x", 8);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "image");
  EXPECT_EQ(parts[0].bytes, std::string("\0\r\n--\xff", 6));
  EXPECT_EQ(parts[1].name, "k");
  EXPECT_EQ(parts[1].bytes, "");
  EXPECT_TRUE(parse_multipart("--x--", "x", 8).empty());
  for (const char* headers :
       {"Content-Disposition: form-data; name=\"a\"", "content-disposition:form-data;name=a",
        "X: y\r\nContent-Disposition: Form-Data; filename=\"; name=b\"; name=\"a\"",
        R"(Content-Disposition: form-data; filename="\"; name=b"; name=a)",
        "Content-Transfer-Encoding: binary\r\nContent-Disposition: form-data; name=\"\\a\""})
    EXPECT_EQ(parse_multipart(part(headers), "x", 8).at(0).name, "a") << headers;
}

TEST(Multipart, RefusesWhatIsNoForm) {
  for (const char* body :
       {"", "x", "--x", "--y\r\n", "--x\r\n", "--x\r\n\r\n", "--x\r\n\r\na\r\n--x--", "--xx--"})
    EXPECT_NE(refusal(body), "") << body;
  for (const char* headers :
       {"X: y", "no header", "Content-Disposition: form-data", "Content-Disposition: attachment; name=\"a\"",
        "Content-Disposition: form-data; name=\"", "Content-Disposition: form-data; name=\"\"",
        "Content-Disposition: form-data; name=\"a\"; name=\"b\"",
        "Content-Disposition: form-data; name=\"a\" b", "Content-Disposition: form-data; name=\"\xff\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"a\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64"})
    EXPECT_THAT(refusal(part(headers)), HasSubstr("part 0")) << headers;
  EXPECT_THAT(refusal(part("X: " + std::string(2000, 'a'))), HasSubstr("1024"));
  EXPECT_THAT(refusal(part("Content-Disposition: form-data; name=" + std::string(65, 'a'))),
              HasSubstr("name"));
  EXPECT_THAT(refusal("--x\r\nContent-Disposition: form-data; name=a\r\n\r\nendless"), HasSubstr("an end"));
  const std::string one = "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  EXPECT_EQ(refusal(one + one + "--x--", 2), "");
  EXPECT_THAT(refusal(one + one + one + "--x--", 2), HasSubstr("at most 2"));
}

TEST(Multipart, HasABoundaryWithinBounds) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=----abc"), "----abc");
  EXPECT_EQ(multipart_boundary("multipart/form-data; charset=utf-8; Boundary=\"a b\""), "a b");
  for (const std::string& type :
       {std::string("multipart/form-data"), std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"a"),
        "multipart/form-data; boundary=" + std::string(71, 'a'),
        std::string("multipart/form-data; boundary=\"a\r\""),
        std::string("multipart/form-data; boundary=a; boundary=b")})
    EXPECT_THROW(multipart_boundary(type), DataError) << type;
}

TEST(MultipartTakes, TwiceAsLongForTwiceAsMuch) {
  const std::string boundary(70, '-');
  const auto read = [&](const std::string& body) {
    try {
      parse_multipart(body, boundary, SIZE_MAX);
    } catch (const DataError&) {
    }
  };
  const std::string head = "--" + boundary + "\r\nContent-Disposition: form-data; name=a\r\n\r\n";
  for (const std::string& one :
       {std::string("a"), std::string("\r\n"), "\r\n--" + boundary.substr(1), "\r\n" + head})
    expect_linear(
        [&](size_t n) {
          std::string body = head;
          for (size_t i = 0; i < n; ++i) body += one;
          return body;
        },
        read);
}

}  // namespace
}  // namespace lodestone::testing
