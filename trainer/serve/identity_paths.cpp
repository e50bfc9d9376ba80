#include "trainer/serve/identity_paths.h"

#include <algorithm>
#include <array>
#include <utility>

#include <sodium.h>

#include "common/utf8.h"
#include "trainer/search/picture.h"
#include "trainer/serve/answer.h"

namespace lodestone::serve {

namespace {

using Json = nlohmann::json;

constexpr int64_t kPage = 100, kLargestPage = 1000;

// Equal for equal inputs, so that a request that is sent twice adds nothing.
std::string id_of(const RequestInput& input) {
  std::array<unsigned char, 16> hash{};
  ::crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(input.bytes.data()),
                       input.bytes.size(), nullptr, 0);
  std::array<char, 2 * hash.size() + 1> text{};
  ::sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  return std::string("enrolled:") + text.data();
}

search::Embeddings rows_of(const ServedModel& model, const ServeRequest& request, const std::string& name,
                           const at::Tensor& z_nD, std::vector<std::string> thumbnails) {
  search::Embeddings rows{z_nD, {}, model.about};
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const RequestInput& input = request.inputs[i];
    rows.rows_N.push_back({.id = id_of(input),
                           .label = name,
                           .text = input.image ? "" : beginning(input.bytes, search::kRowTextBytes),
                           .thumbnail = std::move(thumbnails[i])});
  }
  return rows;
}

int64_t photographs_of(const ServedGallery& gallery, const std::string& name) {
  const auto& all = gallery.search.identities();
  const auto found = std::ranges::lower_bound(all, name, {}, &search::Identity::name);
  return found != all.end() && found->name == name ? found->photographs : 0;
}

Json sizes_of(const ServedGallery& gallery) {
  return {{"photographs", gallery.embeddings.size()}, {"identities", gallery.search.identities().size()}};
}

// Refuses parameters that the method does not take.
void check_parameters(const http::HttpRequest& request, const std::vector<std::string>& known) {
  for (const auto& [key, value] : request.query)
    if (std::ranges::find(known, key) == known.end())
      throw DataError("gallery: expected the parameters " + known[0] + " and " + known[1] + ", got others");
}

std::string parameter(const http::HttpRequest& request, const char* key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? "" : found->second;
}

int64_t page_of(const http::HttpRequest& request) {
  return request.query.contains("limit") ? whole_number("limit", parameter(request, "limit"), kLargestPage)
                                         : kPage;
}

Json candidates_of(const std::vector<search::Identity>& found, const search::Embeddings& gallery,
                   bool thumbnails) {
  Json candidates = Json::array();
  for (const search::Identity& identity : found) {
    candidates.push_back({{"name", identity.name},
                          {"score", identity.score},
                          {"photograph", identity.photograph},
                          {"photographs", identity.photographs}});
    if (!thumbnails) continue;
    const std::string& file = gallery.rows_N[static_cast<size_t>(identity.row)].thumbnail;
    if (std::string uri = search::thumbnail_uri(file); !uri.empty())
      candidates.back()["thumbnail"] = std::move(uri);
  }
  return candidates;
}

}  // namespace

const ServedGallery& gallery_of(const ServedState& state, const char* path) {
  if (state.gallery) return *state.gallery;
  throw DataError(std::string(path) + ": there is no gallery; the service was started without --gallery");
}

http::HttpAnswer IdentityPaths::identify(const http::HttpRequest& request) {
  const auto state = live_.now();
  const ServedGallery& gallery = gallery_of(*state, "identify");
  const auto& calibration = state->model->calibration;
  if (!calibration)
    throw DataError(
        "identify: expected a threshold, got none; `lodestone evaluate RUN --calibrate 0.001` sets one at a "
        "false accept rate, then reload");
  const ServeRequest asked = parse_request(request, {RequestKey::kThumbnails});
  check_thumbnails(asked);
  const at::Tensor z_nD = embedder_.embed(*state, asked);
  std::vector<std::vector<search::Identity>> all;
  {
    const std::scoped_lock lock(searching_);
    all = gallery.search.identify(z_nD, asked.k);
  }
  Json answers = Json::array();
  for (const auto& found : all) {
    const bool known = !found.empty() && calibration->same(found.front().score);
    answers.push_back({{"name", known ? Json(found.front().name) : Json()},
                       {"candidates", candidates_of(found, gallery.embeddings, asked.thumbnails)}});
  }
  return json_answer({{"threshold", calibration->threshold}, {"answers", std::move(answers)}});
}

http::HttpAnswer IdentityPaths::enroll(const http::HttpRequest& request) {
  const ServeRequest given = parse_request(request, {RequestKey::kName});
  const std::string name = identity_name(given.name);
  for (;;) {
    const auto state = live_.now();
    gallery_of(*state, "enroll");
    auto [z_nD, thumbnails] = embedder_.embed_shown(*state, given);
    const search::Embeddings more = rows_of(*state->model, given, name, z_nD, std::move(thumbnails));
    const std::shared_ptr<const ServedGallery> after = live_.add(*state, more);
    if (!after) continue;  // the model was replaced meanwhile
    Json answer = sizes_of(*after);
    answer["name"] = name;
    answer["of_this_name"] = photographs_of(*after, name);
    answer["step"] = state->model->step;
    return json_answer(answer);
  }
}

http::HttpAnswer IdentityPaths::list(const http::HttpRequest& request) const {
  check_parameters(request, {"after", "limit"});
  const auto state = live_.now();
  const ServedGallery& gallery = gallery_of(*state, "gallery");
  const auto& all = gallery.search.identities();
  auto at = all.begin();
  if (const auto after = request.query.find("after"); after != request.query.end())
    at = std::ranges::upper_bound(all, after->second, {}, &search::Identity::name);
  const int64_t limit = page_of(request);
  Json page = Json::array();
  for (; at != all.end() && static_cast<int64_t>(page.size()) < limit; ++at)
    page.push_back({{"name", at->name}, {"photographs", at->photographs}});
  Json answer = sizes_of(gallery);
  answer["next"] = at == all.end() ? Json() : page.back()["name"];
  answer["page"] = std::move(page);
  return json_answer(answer);
}

http::HttpAnswer IdentityPaths::remove(const http::HttpRequest& request) {
  check_parameters(request, {"name", "photograph"});
  gallery_of(*live_.now(), "gallery");
  const std::string name = parameter(request, "name"), photograph = parameter(request, "photograph");
  if (!request.query.contains("name")) throw DataError("gallery: expected ?name=NAME, got none");
  if (request.query.contains("photograph") && photograph.empty())
    throw DataError("photograph: expected the id of a photograph, got an empty one");
  return json_answer(sizes_of(*live_.remove(name, photograph)));
}

}  // namespace lodestone::serve
