// Identities over HTTP: enrolled, identified, listed, removed; with other writers, faults and bounds.
#include <future>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sampler/codecs/thumbnail.h"
#include "serve/serving.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// Images of a shade, for a name.
std::string enrolment(const std::string& name, const std::vector<uint8_t>& shades) {
  Json body = {{"name", name}, {"images", Json::array()}};
  for (const uint8_t shade : shades) body["images"].push_back(image(shade));
  return body.dump();
}

// Who is in the image; "" if nobody is.
std::string who(const Served& served, uint8_t shade) {
  const HttpReply reply = served.post("/identify", R"({"images": [")" + image(shade) + "\"]}");
  EXPECT_EQ(reply.status, 200) << reply.body;
  const Json name = Json::parse(reply.body)["answers"][0]["name"];
  return name.is_null() ? "" : name.get<std::string>();
}

std::vector<std::string> names(const Embeddings& gallery) {
  std::vector<std::string> all;
  for (const Identity& identity : identities(gallery)) all.push_back(identity.name);
  return all;
}

// 157 hundredths are a quarter of a turn.
TEST(Identities, AreEnrolledIdentifiedAndRemoved) {
  const Served served(Serving{.gallery = Embeddings{at::empty({0, 2}), {}, {}}});
  EXPECT_EQ(who(served, 0), "");
  const HttpReply enrolled = served.post("/enroll", enrolment("Ada", {0, 2}));
  ASSERT_EQ(enrolled.status, 200) << enrolled.body;
  EXPECT_EQ(Json::parse(enrolled.body)["of_this_name"], 2);
  EXPECT_EQ(who(served, 5), "Ada");
  EXPECT_EQ(who(served, 157), "");
  EXPECT_EQ(served.post("/enroll", enrolment("Bert", {157})).status, 200);
  EXPECT_EQ(who(served, 150), "Bert");
  const Json found =
      Json::parse(served.post("/identify", R"({"k": 2, "images": [")" + image(1) + "\"]}").body);
  EXPECT_EQ(found["threshold"], 0.9);
  EXPECT_EQ(found["answers"][0]["candidates"].size(), 2U);
  EXPECT_EQ(found["answers"][0]["candidates"][1]["name"], "Bert");
  EXPECT_EQ(Json::parse(served.remove("/gallery?name=Ada").body)["identities"], 1);
  EXPECT_EQ(who(served, 0), "");
  EXPECT_EQ(served.remove("/gallery?name=Ada").status, 404);
  EXPECT_EQ(names(read_embeddings(served.gallery())), std::vector<std::string>{"Bert"});
}

TEST(Identities, AreNotAddedTwiceByARequestThatIsRepeated) {
  const Served served;
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(Json::parse(served.post("/enroll", enrolment("Ada", {1, 2, 2})).body)["of_this_name"], 2);
  const Embeddings gallery = read_embeddings(served.gallery());
  ASSERT_EQ(gallery.size(), 4);
  EXPECT_FALSE(gallery.rows_N.back().thumbnail.empty());
  EXPECT_EQ(served.remove("/gallery?name=Ada&photograph=" + gallery.rows_N.back().id).status, 200);
  EXPECT_EQ(read_embeddings(served.gallery()).size(), 3);
}

// A gallery of the command line has absolute paths, of which clients see folder and file.
TEST(Identities, ShowNoPathsOfTheServer) {
  Embeddings gallery = two_rows();
  gallery.rows_N = {{"/data/people/ada/1.png", "ada"}, {"/data/people/bert/1.png", "bert"}};
  const Served served(Serving{.gallery = gallery});
  const std::string found = served.post("/identify", R"({"texts": ["x"]})").body +
                            served.post("/search", R"({"texts": ["x"]})").body + served.get("/gallery").body;
  EXPECT_THAT(found, ::testing::Not(HasSubstr("/data")));
  EXPECT_THAT(found, HasSubstr("\"photograph\":\"ada/1.png\""));
  EXPECT_EQ(served.post("/enroll", enrolment("Carl", {1})).status, 200);
  EXPECT_EQ(read_embeddings(served.gallery()).rows_N.front().id, "/data/people/ada/1.png")
      << "the file keeps them";
  EXPECT_EQ(served.remove("/gallery?name=ada&photograph=bert/1.png").status, 404);
  EXPECT_EQ(served.remove("/gallery?name=ada&photograph=ada/1.png").status, 200);
  EXPECT_EQ(names(read_embeddings(served.gallery())), (std::vector<std::string>{"Carl", "bert"}));
}

TEST(Identities, AreRemovedOnlyIfOnePhotographIsMeant) {
  Embeddings gallery = two_rows();
  gallery.rows_N = {{"/a/ada/1.png", "ada"}, {"/b/ada/1.png", "ada"}};
  const Served served(Serving{.gallery = gallery});
  const HttpReply refused = served.remove("/gallery?name=ada&photograph=ada/1.png");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("got that of several"));
  EXPECT_EQ(served.remove("/gallery?name=ada&photograph=/b/ada/1.png").status, 200);
  EXPECT_EQ(read_embeddings(served.gallery()).rows_N.front().id, "/a/ada/1.png");
}

// The time of a photograph's decoding is most of a request: it is decoded once.
TEST(Identities, AreEnrolledWithAThumbnailOfTheImageAsItWasDecoded) {
  const Served served(Serving{.gallery = Embeddings{at::empty({0, 2}), {}, {}}});
  ASSERT_EQ(served.post("/enroll", enrolment("Ada", {0, 100})).status, 200);
  ASSERT_EQ(served.post("/enroll", R"({"name": "Bert", "texts": ["word"]})").status, 200);
  const Embeddings gallery = read_embeddings(served.gallery());
  ASSERT_EQ(gallery.size(), 3);
  EXPECT_NE(gallery.rows_N[0].thumbnail, gallery.rows_N[1].thumbnail);
  EXPECT_STREQ(thumbnail_type(gallery.rows_N[1].thumbnail), "image/webp");
  EXPECT_TRUE(gallery.rows_N[2].thumbnail.empty());
  // The encoder's image has colours, and so has the thumbnail.
  ServedModel colour = model();
  ImageTransformConfig shape;
  shape.width = shape.height = 2;
  shape.channels = 3;
  shape.mean = {0, 0, 0};
  shape.std = {1, 1, 1};
  colour.images.emplace(shape);
  const Served of_colours(Serving{.model = colour, .gallery = Embeddings{at::empty({0, 2}), {}, {}}});
  Image red(8, 8, 3, 0);
  for (int i = 0; i < 64; ++i) red.at(i % 8, i / 8, 0) = 255;
  const std::vector<uint8_t> file = encode_png(red);
  ASSERT_EQ(of_colours
                .post("/enroll", R"({"name": "Ada", "images": [")" +
                                     base64(std::string(file.begin(), file.end())) + "\"]}")
                .status,
            200);
  const std::string thumbnail = read_embeddings(of_colours.gallery()).rows_N.front().thumbnail;
  const Image shown = decode_image(std::as_bytes(std::span(thumbnail)), 3, "thumbnail");
  EXPECT_GT(shown.at(4, 4, 0), shown.at(4, 4, 2) + 100);
}

TEST(Identities, AreListedInPages) {
  const Served served;
  for (const char* name : {"Ada", "Bert", "Carl"})
    EXPECT_EQ(served.post("/enroll", enrolment(name, {1})).status, 200);
  std::vector<std::string> seen;
  Json page;
  for (std::string after; !page.is_object() || !page["next"].is_null(); after = "&after=" + seen.back()) {
    page = Json::parse(served.get("/gallery?limit=2" + after).body);
    EXPECT_EQ(page["identities"], 5);
    EXPECT_LE(page["page"].size(), 2U);
    for (const Json& identity : page["page"]) seen.push_back(identity["name"]);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"<b>", "Ada", "Bert", "Carl", "two"}));
  for (const char* bad :
       {"?limit=", "?limit=0", "?limit=1001", "?limit=a", "?name=a", "?after=%ff", "?limit=1&limit=2"})
    EXPECT_EQ(served.get(std::string("/gallery") + bad).status, 400) << bad;
  for (const char* bad : {"", "?name=two&photograph=", "?limit=2"})
    EXPECT_EQ(served.remove(std::string("/gallery") + bad).status, 400) << bad;
}

TEST(Identities, HaveNamesWithinBounds) {
  const Served served;
  for (const std::string& name :
       {std::string(), std::string(" \t"), std::string(257, 'a'), std::string("a\nb")}) {
    const HttpReply reply = served.post("/enroll", enrolment(name, {1}));
    EXPECT_EQ(reply.status, 400) << name;
    EXPECT_THAT(reply.body, HasSubstr("name: expected")) << name;
  }
  const Json stored = Json::parse(served.post("/enroll", enrolment("  Ada ", {1})).body);
  EXPECT_EQ(stored["name"], "Ada");
}

TEST(Identities, AreNotMoreThanTheGalleryMayHave) {
  const Served served(Serving{.rows = {.rows = 3}});
  EXPECT_EQ(served.post("/enroll", enrolment("Ada", {1})).status, 200);
  EXPECT_THAT(served.post("/enroll", enrolment("Ada", {2})).body, HasSubstr("at most 3 photographs"));
  EXPECT_EQ(served.post("/enroll", enrolment("Ada", {1})).status, 200);  // it is there already
}

TEST(Identities, ChangeOnlyWhereThatIsAllowed) {
  const Served served(Serving{.changes = false});
  EXPECT_EQ(served.post("/enroll", enrolment("Ada", {1})).status, 403);
  EXPECT_EQ(served.remove("/gallery?name=two").status, 403);
  EXPECT_EQ(http(served.port(), http_text("POST", "/reload", "", "")).status, 403);
  EXPECT_EQ(served.get("/gallery").status, 200);
  EXPECT_EQ(Json::parse(served.get("/model").body)["changes"], false);
}

TEST(Identities, AreLostToNoOtherWriter) {
  const Served served;
  std::vector<std::future<void>> writers;
  for (int w = 0; w < 2; ++w) {
    writers.push_back(std::async(std::launch::async, [&, w] {
      for (uint8_t i = 0; i < 5; ++i)
        EXPECT_EQ(served.post("/enroll", enrolment("client" + std::to_string(w), {i})).status, 200);
    }));
    writers.push_back(std::async(std::launch::async, [&, w] {
      for (int i = 0; i < 5; ++i)
        update_gallery(served.gallery(), [&](const std::optional<Embeddings>& before) {
          Embeddings one = *before;
          one.z_ND = one.z_ND.narrow(0, 0, 1);
          one.rows_N = {{std::to_string(i), "command" + std::to_string(w)}};
          return add_to_gallery(*before, one);
        });
    }));
  }
  for (auto& writer : writers) writer.get();
  EXPECT_EQ(read_embeddings(served.gallery()).size(), 22);
  // What the command added is served from the next change on.
  EXPECT_EQ(served.post("/enroll", enrolment("Ada", {9})).status, 200);
  EXPECT_EQ(Json::parse(served.get("/gallery").body)["photographs"], 23);
}

// Memory never has what the file does not have.
TEST(Identities, AreServedOnlyIfTheyAreDurable) {
  const Served served;
  const std::string file = served.gallery();
  std::filesystem::rename(file, file + ".kept");
  EXPECT_THAT(served.post("/enroll", enrolment("Ada", {1})).body, HasSubstr("restore it"));
  std::filesystem::create_directory(file);  // cannot be read or replaced
  const HttpReply failed = served.post("/enroll", enrolment("Ada", {1}));
  EXPECT_EQ(failed.status, 503);
  EXPECT_EQ(failed.body.find(file), std::string::npos);
  EXPECT_THAT(served.warnings(), HasSubstr(file));
  EXPECT_EQ(Json::parse(served.get("/gallery").body)["identities"], 2);
  std::filesystem::remove(file);
  std::filesystem::rename(file + ".kept", file);
  EXPECT_EQ(served.post("/enroll", enrolment("Ada", {1})).status, 200);
  EXPECT_EQ(names(read_embeddings(file)), (std::vector<std::string>{"<b>", "Ada", "two"}));
}

// Somebody whom another process has removed is not recognised any more.
TEST(Identities, ThatTheFileHasLostAreForgotten) {
  const Served served;
  update_gallery(served.gallery(), [](const auto& before) { return remove_from_gallery(*before, "two"); });
  EXPECT_EQ(Json::parse(served.get("/gallery").body)["identities"], 2);
  EXPECT_EQ(served.remove("/gallery?name=two").status, 404);
  EXPECT_EQ(Json::parse(served.get("/gallery").body)["identities"], 1);
}

TEST(Identities, NeedAThreshold) {
  ServedModel plain = model();
  plain.calibration.reset();
  const Served served(Serving{.model = plain});
  EXPECT_THAT(served.post("/identify", R"({"texts": ["x"]})").body, HasSubstr("--calibrate"));
}

}  // namespace
}  // namespace lodestone::testing
