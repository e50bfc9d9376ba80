#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampler/tokenizers/huggingface/part.h"

namespace lodestone::sampler::huggingface {

/// What happens to the tokens of a text: tokens around them, and places without the white space beside them.
struct PostStep {
  std::vector<int64_t> before, after;
  bool trims = false;               ///< places of tokens lose the white space at their ends
  bool keeps_prefix_space = false;  ///< except one space at the beginning of the text
};

struct PostProcessorRow {
  const char* name;  ///< "type" in tokenizer.json
  void (*read)(const Part& part, std::vector<PostStep>& steps);
};

/// All post-processors.
std::span<const PostProcessorRow> post_processor_table();

/// Appends the steps for a text alone; templates for pairs of texts are not used.
/// Throws    DataError for a type that is not in the table, or a template that has the text other than once
void read_post_processor(const Part& part, std::vector<PostStep>& steps);

}  // namespace lodestone::sampler::huggingface
