#include "sampler/tokenizers/huggingface/tokenizer_json.h"

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "common/json_reader.h"
#include "sampler/tokenizers/huggingface/added_tokens.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/padding_token.h"
#include "sampler/tokenizers/huggingface/places.h"
#include "sampler/tokenizers/huggingface/post_processors.h"
#include "sampler/tokenizers/huggingface/pre_tokenizers.h"

namespace lodestone::sampler {

using namespace huggingface;

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;
constexpr size_t kMostValues = size_t{1} << 22;  // of JSON: 600,000 tokens with their merges

/// The file, read once.
struct Plan {
  std::unique_ptr<Model> model;
  std::unique_ptr<AddedTokens> added;
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // or null
  std::vector<PostStep> steps;
  bool truncates_left = false;
};

class HuggingFace : public PlacingTokenizer {
 public:
  HuggingFace(Plan plan, int64_t padding) : plan_(std::move(plan)), padding_(padding) {
    vocabulary_ = std::max(plan_.model->vocabulary().size(), padding_ + 1);
    for (const AddedToken& token : plan_.added->all()) {
      vocabulary_ = std::max(vocabulary_, token.id + 1);
      names_.emplace(token.id, token.content);
    }
    for (const PostStep& step : plan_.steps) {
      around_ += step.before.size() + step.after.size();
      for (const auto* ids : {&step.before, &step.after})
        for (const int64_t id : *ids) vocabulary_ = std::max(vocabulary_, id + 1);
    }
    needs_places_ = plan_.pre_tokenizer != nullptr && plan_.pre_tokenizer->needs_places();
  }

  std::vector<int64_t> encode(std::string_view text, int64_t max_tokens) const override {
    std::vector<Token> tokens;
    tokenize(text, room(max_tokens), needs_places_, tokens);
    std::vector<int64_t> ids;
    ids.reserve(tokens.size() + around_);
    for (size_t i = plan_.steps.size(); i > 0; --i)
      ids.insert(ids.end(), plan_.steps[i - 1].before.begin(), plan_.steps[i - 1].before.end());
    for (const Token& token : tokens) ids.push_back(token.id);
    for (const PostStep& step : plan_.steps) ids.insert(ids.end(), step.after.begin(), step.after.end());
    if (ids.size() > static_cast<size_t>(max_tokens)) ids.resize(static_cast<size_t>(max_tokens));
    return ids;
  }

  std::vector<PlacedToken> place(std::string_view text, int64_t max_tokens) const override {
    const std::string valid = valid_utf8(text);
    std::vector<Token> tokens;
    const Text cut = tokenize(valid, room(max_tokens), true, tokens);
    return places_of(cut, tokens, valid, *plan_.model, plan_.steps);
  }

  int64_t vocabulary() const override { return vocabulary_; }
  int64_t padding() const override { return padding_; }
  std::string token(int64_t id) const override {
    if (id < 0 || id >= vocabulary_) throw std::out_of_range("tokenizer: no id " + std::to_string(id));
    if (const auto added = names_.find(id); added != names_.end()) return added->second;
    const Vocabulary& own = plan_.model->vocabulary();
    return id < own.size() ? own.token(id) : "";
  }

 private:
  size_t room(int64_t max_tokens) const {
    return static_cast<size_t>(max_tokens) - std::min(static_cast<size_t>(max_tokens), around_);
  }

  Text tokenize(std::string_view given, size_t most, bool placed, std::vector<Token>& tokens) const {
    if (given.size() > UINT32_MAX / 2)
      throw DataError("tokenizer: expected a text of less than 2 GiB, got " + std::to_string(given.size()) +
                      " bytes");
    Text text = plan_.added->extract(is_ascii(given) ? std::string(given) : valid_utf8(given), placed);
    if (plan_.pre_tokenizer != nullptr) plan_.pre_tokenizer->cut(text);
    plan_.model->tokenize(text, plan_.truncates_left ? SIZE_MAX : most, tokens);
    if (tokens.size() > most) {
      const auto beyond = static_cast<std::ptrdiff_t>(tokens.size() - most);
      const auto first = plan_.truncates_left ? tokens.begin() : tokens.end() - beyond;
      tokens.erase(first, first + beyond);
    }
    return text;
  }

  Plan plan_;
  int64_t padding_, vocabulary_;
  std::unordered_map<int64_t, std::string> names_;  // of added tokens
  size_t around_ = 0;                               // tokens that are not the text's
  bool needs_places_;
};

nlohmann::json read_json_file(const std::string& path) {
  try {
    return parse_json(read_file(path, kMaxFileBytes), path, {.depth = 64, .values = kMostValues});
  } catch (const Error&) {
    std::throw_with_nested(
        DataError("tokenizer: expected a tokenizer.json of Hugging Face's tokenizers of at most 64 MiB at " +
                  path + "; check data.text.tokenizer.path"));
  }
}

Plan read_plan(const Part& file, bool read_special) {
  if (file.text_or("version", "1.0") != "1.0") file.part("version").refuse("1.0");
  Plan plan;
  plan.model = read_model(file.part("model"));
  std::unique_ptr<Normalizer> normalizer;
  if (file.has("normalizer")) normalizer = read_normalizer(file.part("normalizer"));
  std::vector<AddedToken> added;
  if (file.has("added_tokens"))
    added = read_added_tokens(file.part("added_tokens"), plan.model->vocabulary());
  plan.added = std::make_unique<AddedTokens>(std::move(added), std::move(normalizer), read_special);
  if (file.has("pre_tokenizer")) plan.pre_tokenizer = read_pre_tokenizer(file.part("pre_tokenizer"));
  if (file.has("post_processor")) read_post_processor(file.part("post_processor"), plan.steps);
  if (file.has("truncation")) {
    const Part truncation = file.part("truncation");
    const std::string side = truncation.text_or("direction", "Right");
    if (side != "Left" && side != "Right") truncation.part("direction").refuse("Left or Right");
    plan.truncates_left = side == "Left";
  }
  return plan;
}

}  // namespace

std::shared_ptr<const PlacingTokenizer> open_tokenizer_json(const std::string& path, bool read_special) {
  const nlohmann::json json = read_json_file(path);
  const Part file(json, path + ":");
  Plan plan = read_plan(file, read_special);
  const int64_t padding = padding_token(file, path, *plan.added, plan.model->vocabulary());
  return std::make_shared<HuggingFace>(std::move(plan), padding);
}

}  // namespace lodestone::sampler
