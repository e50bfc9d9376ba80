#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sampler/augment/transforms.h"
#include "sampler/texts/token_rows.h"
#include "trainer/eval/rows.h"
#include "trainer/search/calibration.h"
#include "trainer/search/embeddings.h"
#include "trainer/search/identity_search.h"
#include "trainer/serve/batcher.h"
#include "trainer/serve/image_reader.h"

namespace lodestone::serve {

/// A figure of the run's newest evaluation, for people.
struct ServedMetric {
  std::string name, title;
  double value = 0;
  bool rate = false;  ///< a share of 1
};

/// A trained model, ready to embed.
struct ServedModel {
  std::string run;   ///< name of the run
  std::string kind;  ///< kind of its data, as in data.kind
  /// Preprocessing of images; unset: the model does not embed images.
  std::optional<sampler::ImageTransform> images;
  /// Whether the model embeds texts.
  bool texts = false;
  /// How a text becomes token ids. Without a tokenizer the paths of other servers embed no texts.
  sampler::TokenRule tokens;
  eval::Similarity similarity = eval::Similarity::kCosine;
  int64_t step = 0;
  int64_t width = 0;       ///< of an embedding
  bool unit_rows = false;  ///< embeddings have unit length
  int64_t loaded = 0;      ///< when: seconds since 1970
  /// Unset: verdicts are null.
  std::optional<search::Calibration> calibration;
  std::vector<ServedMetric> metrics;
  /// search::Embeddings::about of its embeddings.
  std::map<std::string, std::string> about;
  std::shared_ptr<const Batcher::Forward> embed;
};

/// The id of a row as clients see it. `lodestone gallery add` stores absolute paths, which are none of their
/// business: folder and file are left of them.
std::string shown_id(const std::string& id);

/// A gallery as it is searched.
struct ServedGallery {
  /// Keeps of the ids what clients may see (shown_id).
  explicit ServedGallery(search::Embeddings rows);
  ServedGallery(const ServedGallery&) = delete;
  ServedGallery& operator=(const ServedGallery&) = delete;

  const search::Embeddings embeddings;
  const search::IdentitySearch search{embeddings};
};

/// What one request sees from its beginning to its end, whatever is replaced meanwhile.
struct ServedState {
  std::shared_ptr<const ServedModel> model;
  std::shared_ptr<const ImageReader> images;     ///< null: the model does not embed images
  std::shared_ptr<const ServedGallery> gallery;  ///< null: the service has none
};

}  // namespace lodestone::serve
