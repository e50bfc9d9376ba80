#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sampler/tokenizers/tokenizer.h"

namespace lodestone::sampler {

/// A token and the characters of the text that it covers; 0 and 0 for those around the text.
struct PlacedToken {
  int64_t id;
  size_t begin, end;
  bool operator==(const PlacedToken&) const = default;
};

/// A tokenizer that also says where its tokens stand.
class PlacingTokenizer : public Tokenizer {
 public:
  /// As encode(), with places.
  virtual std::vector<PlacedToken> place(std::string_view text, int64_t max_tokens) const = 0;
};

/// Opens a tokenizer.json of Hugging Face's tokenizers. Ids and places are those of that library for a text
/// alone, with these differences: max_tokens counts, not the file's truncation.max_length, which a text loses
/// at the side that truncation.direction says; rows are not padded, since batches are; with `read_special`
/// false, special tokens never come from a text, as with encode_special_tokens = True there; and the Unicode
/// tables are ICU's.
/// padding() is padding.pad_id, else the pad_token that tokenizer_config.json or special_tokens_map.json
/// beside the file names, else the token [PAD] or <pad>, else 0.
/// Cost      about 60 bytes of memory per byte of the vocabulary's tokens while the file is read, half of it
///           afterwards
/// Throws    DataError naming the file and the place in it, if the file is missing, larger than 64 MiB, or
///           has a component that is not in the tables of sampler/tokenizers/huggingface/
std::shared_ptr<const PlacingTokenizer> open_tokenizer_json(const std::string& path, bool read_special);

}  // namespace lodestone::sampler
