#include "sampler/tokenizers/huggingface/post_processors.h"

#include <nlohmann/json.hpp>

#include "sampler/tokenizers/huggingface/vocabulary.h"

namespace lodestone::sampler::huggingface {

namespace {

void read_sequence(const Part& part, std::vector<PostStep>& steps) {
  for (const Part& one : part.parts("processors")) read_post_processor(one, steps);
}

// Tokens of a template, by their names in "special_tokens".
void append_special(const Part& name, const Part& special, std::vector<int64_t>& ids) {
  const std::string key = name.text();
  if (!special.has(key.c_str())) name.refuse("a key of special_tokens");
  for (const Part& id : special.part(key.c_str()).parts("ids")) ids.push_back(id.number(kMostId));
}

void read_template(const Part& part, std::vector<PostStep>& steps) {
  PostStep step;
  int texts = 0;
  for (const Part& piece : part.parts("single")) {
    if (piece.has("Sequence")) {
      ++texts;
      if (piece.part("Sequence").part("id").text() != "A") piece.refuse("the sequence A");
    } else {
      append_special(piece.part("SpecialToken").part("id"), part.part("special_tokens"),
                     texts == 0 ? step.before : step.after);
    }
  }
  if (texts != 1) part.part("single").refuse("a template that has the sequence A once");
  steps.push_back(std::move(step));
}

// ["[CLS]", 101]
int64_t read_named(const Part& part) {
  const std::vector<Part> both = part.items();
  if (both.size() != 2) part.refuse("a token and its id");
  return both[1].number(kMostId);
}

PostStep read_trimming(const Part& part) {
  PostStep step;
  step.trims = part.yes_or("trim_offsets", true);
  step.keeps_prefix_space = part.yes_or("add_prefix_space", true);
  return step;
}

void read_around(const Part& part, std::vector<PostStep>& steps) {
  steps.push_back({.before = {read_named(part.part("cls"))}, .after = {read_named(part.part("sep"))}});
}

void read_roberta(const Part& part, std::vector<PostStep>& steps) {
  steps.push_back(read_trimming(part));
  read_around(part, steps);
}

void read_byte_level(const Part& part, std::vector<PostStep>& steps) {
  steps.push_back(read_trimming(part));
}

}  // namespace

std::span<const PostProcessorRow> post_processor_table() {
  static constexpr PostProcessorRow kRows[] = {
      {.name = "Sequence", .read = read_sequence},     {.name = "TemplateProcessing", .read = read_template},
      {.name = "BertProcessing", .read = read_around}, {.name = "RobertaProcessing", .read = read_roberta},
      {.name = "ByteLevel", .read = read_byte_level},
  };
  return kRows;
}

void read_post_processor(const Part& part, std::vector<PostStep>& steps) {
  row_of(part, post_processor_table()).read(part, steps);
}

}  // namespace lodestone::sampler::huggingface
