// A model and a gallery that are replaced while requests run.
#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/serving.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

HttpReply reload(const Served& served) {
  return http(served.port(), http_text("POST", "/reload", "", ""));
}

// The model after more training: other embeddings, other preprocessing.
ServedModel newer() {
  ServedModel next = model();
  next.step = 8;
  next.about["model"] = "b";
  ImageTransformConfig shape;
  shape.width = shape.height = 3;
  shape.mean = {0};
  shape.std = {1};
  next.images.emplace(shape);
  next.embed = std::make_shared<const Batcher::Forward>([](const std::vector<const Sample*>& samples) {
    for (const Sample* sample : samples)
      if (const auto* image = std::get_if<std::vector<float>>(sample); image && image->size() != 9)
        throw DataError("an image for another model");
    return -stand_in(samples);
  });
  return next;
}

Embeddings rows_of(const std::string& weights) {
  Embeddings rows = two_rows();
  rows.about["model"] = weights;
  return rows;
}

TEST(Reload, ReplacesModelAndGalleryTogether) {
  Served served;
  const std::string texts = R"({"texts": ["x"]})";
  const double before = Json::parse(served.post("/embed", texts).body)["embeddings"][0][0];
  served.train(newer());
  const HttpReply refused = reload(served);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("expected embeddings of this model's weights"));
  EXPECT_THAT(served.warnings(), HasSubstr("the former model and gallery stay"));
  EXPECT_EQ(Json::parse(served.post("/embed", texts).body)["step"], 7);
  write_embeddings(served.gallery(), rows_of("b"));
  EXPECT_EQ(served.post("/enroll", R"({"name": "Ada", "texts": ["x"]})").status, 400);  // by the former model
  EXPECT_EQ(Json::parse(reload(served).body), (Json{{"gallery", 2}, {"step", 8}}));
  const Json after = Json::parse(served.post("/embed", texts).body);
  EXPECT_EQ(after["step"], 8);
  EXPECT_NEAR(after["embeddings"][0][0], -before, 1e-6);
  EXPECT_EQ(served.post("/embed", R"({"images": [")" + image(1) + "\"]}").status, 200);
  EXPECT_EQ(served.post("/enroll", R"({"name": "Ada", "texts": ["x"]})").status, 200);
}

TEST(Reload, KeepsWhatItHasWhereTheNewestCannotBeLoaded) {
  Served served;
  served.train({});
  EXPECT_THAT(reload(served).body, HasSubstr("no checkpoint is intact"));
  served.train(model());
  const std::string file = served.gallery();
  std::filesystem::rename(file, file + ".away");
  EXPECT_EQ(reload(served).status, 409);
  EXPECT_EQ(Json::parse(served.get("/healthz").body)["gallery"], 2);
  std::filesystem::rename(file + ".away", file);
  EXPECT_EQ(reload(served).status, 200);
  EXPECT_EQ(http(served.port(), http_text("POST", "/reload", "{}")).status, 400);
}

TEST(Reload, TakesWhatACommandAddedToTheGallery) {
  const Served served;
  update_gallery(served.gallery(), [](const auto& before) {
    Embeddings one = *before;
    one.rows_N[0].label = one.rows_N[1].label = "Ada";
    return add_to_gallery(*before, one);
  });
  EXPECT_EQ(Json::parse(reload(served).body)["gallery"], 4);
}

// Requests without a pause, while models come and go.
TEST(Reload, FailsNoRequest) {
  Served served;
  std::atomic<bool> stop = false;
  std::vector<std::future<int>> clients;
  for (const std::string& body :
       {std::string(R"({"texts": ["xx"]})"), R"({"images": [")" + image(100) + "\"]}"})
    clients.push_back(std::async(std::launch::async, [&, body] {
      int answers = 0;
      for (; !stop || answers == 0; ++answers)
        for (const char* path : {"/embed", "/search", "/identify"}) {
          const HttpReply reply = served.post(path, body);
          EXPECT_EQ(reply.status, 200) << path << reply.body;
        }
      return answers;
    }));
  clients.push_back(std::async(std::launch::async, [&] {
    int answers = 0;
    for (; !stop || answers == 0; ++answers) {
      const HttpReply reply = served.post("/enroll", R"({"name": "Ada", "images": [")" + image(7) + "\"]}");
      // Between the file's replacement and the reload it has another model's rows.
      if (reply.status != 200) {
        EXPECT_THAT(reply.body, HasSubstr("expected embeddings of this model's weights"));
      }
    }
    return answers;
  }));
  for (int i = 0; i < 20; ++i) {
    const bool odd = i % 2 == 0;
    served.train(odd ? newer() : model());
    update_gallery(served.gallery(), [&](const auto&) { return rows_of(odd ? "b" : "a"); });
    EXPECT_EQ(reload(served).status, 200);
  }
  stop = true;
  for (auto& client : clients) EXPECT_GT(client.get(), 0);
}

}  // namespace
}  // namespace lodestone::testing
