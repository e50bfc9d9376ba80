#include "trainer/http/query.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "support/growth.h"

namespace lodestone::testing {
using namespace http;
namespace {

using Parameters = std::map<std::string, std::string>;

TEST(Query, HasTheParametersAsFormsEncodeThem) {
  EXPECT_TRUE(parse_query("/gallery").empty());
  EXPECT_TRUE(parse_query("/gallery?").empty());
  EXPECT_EQ(parse_query("/gallery?name=Ada+Lovelace&k=%C3%A9%2B%26"),
            (Parameters{{"k", "é+&"}, {"name", "Ada Lovelace"}}));
  EXPECT_EQ(parse_query("/?a&&b==#c"), (Parameters{{"a", ""}, {"b", "="}}));
}

TEST(Query, RefusesWhatIsMalformed) {
  for (const char* target : {"/?a=%", "/?a=%4", "/?a=%zz", "/?a=%+1", "/?a=%00", "/?a=%ff", "/?a=\xff",
                             "/?a=1&a=2", "/?%61=1&a=2"})
    EXPECT_THROW(parse_query(target), DataError) << target;
}

TEST(QueryTakes, TwiceAsLongForTwiceAsMuch) {
  for (const std::string& one : {std::string("a"), std::string("&"), std::string("%41"), std::string("+=")})
    expect_linear(
        [&](size_t n) {
          std::string target = "/?";
          for (size_t i = 0; i < n; ++i) target += one;
          return target;
        },
        [](const std::string& target) { parse_query(target); });
}

}  // namespace
}  // namespace lodestone::testing
