#include "sampler/tokenizers/huggingface/models.h"

#include <nlohmann/json.hpp>

namespace lodestone::sampler::huggingface {

std::span<const ModelRow> model_table() {
  static constexpr ModelRow kRows[] = {
      {.name = "BPE", .is = [](const Part& part) { return part.has("merges"); }, .read = read_bpe},
      {.name = "Unigram",
       .is = [](const Part& part) { return part.part("vocab").value().is_array(); },
       .read = read_unigram},
      {.name = "WordPiece",
       .is = [](const Part& part) { return part.has("continuing_subword_prefix"); },
       .read = read_word_piece},
      {.name = "WordLevel",
       .is = [](const Part& part) { return part.has("unk_token"); },
       .read = read_word_level},
  };
  return kRows;
}

std::unique_ptr<Model> read_model(const Part& part) {
  if (!part.has("type"))
    for (const ModelRow& row : model_table())
      if (row.is(part)) return row.read(part);
  return row_of(part, model_table()).read(part);
}

}  // namespace lodestone::sampler::huggingface
