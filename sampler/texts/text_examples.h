#pragma once

#include <memory>

#include "sampler/examples.h"
#include "sampler/texts/text_dataset.h"
#include "sampler/texts/token_rows.h"

namespace lodestone::sampler {

/// Texts as rows of token ids, padded to the longest row of the batch (of a rank's share). Nothing is drawn
/// at random.
class TextExamples : public Examples {
 public:
  TextExamples(std::shared_ptr<const TextDataset> texts, TokenRule rule);

  std::shared_ptr<const Dataset> dataset() const override { return texts_; }
  std::unique_ptr<FeatureBuilder> builder(int64_t rows) const override;
  ShownSample shown(int64_t index) const override { return {{}, texts_->get(index)}; }

 private:
  std::shared_ptr<const TextDataset> texts_;
  TokenRule rule_;
};

}  // namespace lodestone::sampler
