#include "sampler/texts/text_layout.h"

#include "common/keys_without_effect.h"

namespace lodestone::sampler {

std::string name_of(TextFormat format) {
  return format == TextFormat::kCaptions ? "captions" : choice_name(format, kTextFormats);
}

void TextLayout::visit(Fields& f) {
  f.choice({.name = "format",
            .doc = "columns of a row. texts: text; labels: text, label; pairs: sentence1, sentence2 and "
                   "maybe a score or 0|1; "
                   "triplets: anchor, positive, "
                   "negative; queries: query, positive, negatives"},
           &format, kTextFormats);
  f.field(
      {.name = "columns",
       .doc =
           "names of the columns or keys in the order of the format; numbers from 1 if there is no header; "
           "empty: the default names"},
      &columns);
  f.choice({.name = "other_columns",
            .doc = "what to do about columns or keys that the format does not read, unless columns names "
                   "what is read: refuse the file, or ignore them"},
           &other_columns, kOtherColumns);
  f.choice(
      {.name = "header",
       .doc = "tabs and commas: whether the first row names the columns; auto: if it has the expected names"},
      &header, kAutoYesNo);
  const std::string because = "with format: " + name_of(format) + "; leave it out, or set format: ";
  if (format != TextFormat::kQueries) without_effect(f, {"negatives"}, because + "queries");
  if (format != TextFormat::kPairs) without_effect(f, {"same_from"}, because + "pairs");
  f.field(
      {.name = "negatives",
       .doc = "queries: number of negatives of each row that are used, the first ones; null: as many as the "
              "first row has",
       .min = 0,
       .max = 1000},
      &negatives);
  f.field(
      {.name = "same_from",
       .doc = "pairs: lowest score that counts as label 1; a lower score counts as 0; null: the labels are 0 "
              "and 1 only"},
      &same_from);
  f.field(
      {.name = "multiline",
       .doc =
           "commas: whether a column in quotes may hold line breaks; false: a quote that does not close on "
           "its line is an error"},
      &multiline);
}

}  // namespace lodestone::sampler
