#include "sampler/texts/text_examples.h"

#include <utility>

namespace lodestone::sampler {

namespace {

class Builder : public FeatureBuilder {
 public:
  Builder(const TextDataset& texts, const TokenRule& rule, int64_t rows)
      : texts_(texts), tokens_(rule, rows) {}

  void add(int64_t index, const RowDraw&) override { tokens_.add(texts_.get(index)); }

  Features finish() override {
    Features features;
    tokens_.finish(features);
    return features;
  }

 private:
  const TextDataset& texts_;
  TokenRows tokens_;
};

}  // namespace

TextExamples::TextExamples(std::shared_ptr<const TextDataset> texts, TokenRule rule)
    : texts_(std::move(texts)), rule_(std::move(rule)) {}

std::unique_ptr<FeatureBuilder> TextExamples::builder(int64_t rows) const {
  return std::make_unique<Builder>(*texts_, rule_, rows);
}

}  // namespace lodestone::sampler
