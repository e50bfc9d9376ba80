#include "trainer/init/column_words.h"

#include <algorithm>

#include "sampler/files/column_name.h"

namespace lodestone::init {

const ColumnWords& column_words() {
  static const ColumnWords kWords{
      .text = {"text", "sentence", "utterance", "content", "body", "message", "document", "description",
               "review", "comment", "tweet", "title", "query", "question", "name"},
      .label = {"label", "class", "category", "intent", "topic", "target", "tag", "label_text", "class_name",
                "label_name", "identity", "person", "species", "product_id", "group"},
      .first = {"sentence1", "sentence_1", "text1", "text_1", "question1", "sentence_a", "text_a", "premise",
                "anchor", "query", "question", "source", "src", "input"},
      .second = {"sentence2", "sentence_2", "text2", "text_2", "question2", "sentence_b", "text_b",
                 "hypothesis", "positive", "pos", "answer", "target", "tgt", "response", "output"},
      .negative = {"negative", "neg", "negative_1", "negatives"},
      .score = {"score", "similarity", "similarity_score", "grade", "gold_score", "relatedness_score",
                "relatedness", "is_duplicate", "duplicate", "same", "match", "label"},
      .image = {"path", "image", "image_path", "file", "filename", "file_name", "filepath", "image_file",
                "img"},
      .caption = {"caption", "captions", "text", "description", "title", "sentence"},
      .split = {"split", "set", "fold", "subset", "partition"},
  };
  return kWords;
}

bool is_column_word(std::string_view cell) {
  const ColumnWords& words = column_words();
  for (const auto* names : {&words.text, &words.label, &words.first, &words.second, &words.negative,
                            &words.score, &words.image, &words.caption, &words.split})
    for (const char* name : *names)
      if (sampler::same_column(cell, name)) return true;
  return false;
}

}  // namespace lodestone::init
