#include "trainer/data_view/token_survey.h"

#include <algorithm>
#include <string>
#include <vector>

namespace lodestone::data_view {

namespace {

constexpr int64_t kLongest = 65'536;

}  // namespace

int64_t unknown_token(const sampler::Tokenizer& tokenizer) {
  for (int64_t id = 0; id < tokenizer.vocabulary(); ++id)
    if (const std::string token = tokenizer.token(id); token == "[UNK]" || token == "<unk>") return id;
  return -1;
}

TokenSurvey survey_tokens(const sampler::TextDataset& texts, const sampler::TokenRule& rule,
                          const survey::SurveyLimits& limits) {
  const int64_t unknown = unknown_token(*rule.tokenizer);
  TokenSurvey found;
  std::vector<double> lengths;
  // Texts that cannot be read are counted by the survey of texts.
  survey::visit_spread(texts.size(), limits, [&](int64_t i) {
    const std::vector<int64_t> ids = rule.tokenizer->encode(texts.get(i), kLongest);
    const auto length = static_cast<int64_t>(ids.size());
    lengths.push_back(static_cast<double>(length));
    found.cut += length > rule.max_tokens ? 1 : 0;
    found.all += std::max<int64_t>(length - 2, 0);
    found.unknown += std::ranges::count(ids, unknown);
    return true;
  });
  found.read = static_cast<int64_t>(lengths.size());
  found.tokens = survey::spread_of(std::move(lengths));
  return found;
}

}  // namespace lodestone::data_view
