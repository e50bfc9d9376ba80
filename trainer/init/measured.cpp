#include "trainer/init/measured.h"

#include "common/counted.h"
#include "common/error.h"
#include "common/printable.h"
#include "sampler/sources/tuple_part.h"
#include "sampler/texts/image_texts.h"
#include "sampler/texts/text_source.h"

namespace lodestone::init {

namespace {

constexpr sampler::DecodeOptions kColours{.channels = 3};

sampler::TextSource text_source(const Finding& finding, const sampler::ImageSourceConfig& source,
                                bool graded) {
  sampler::TextSource texts;
  texts.path = source.path;
  texts.layout = finding.text;
  if (graded) texts.layout.same_from.reset();
  texts.bad_records = skip_bad_records();
  texts.part = source.part;
  return texts;
}

sampler::TextSet open_text_rows(const Finding& finding, const sampler::ImageSourceConfig& source,
                                bool graded) {
  return sampler::open_texts(text_source(finding, source, graded));
}

sampler::ImageTextSet open_captions(const Finding& finding, const sampler::ImageSourceConfig& source) {
  return sampler::open_image_texts(source, finding.text, skip_bad_records(), kColours);
}

void check_classes(const Finding& finding, const survey::ClassSurvey& classes) {
  const std::string where = printable(finding.train.path) + " (" + finding.what + ")";
  if (classes.groups < 2)
    throw DataError("init: expected at least two classes in " + where + ", got one, with " +
                    counted(classes.samples, "sample") +
                    "; a model learns what tells classes apart: add samples of others");
  if (classes.classes_with(2) == 0)
    throw DataError(
        "init: expected classes with several samples in " + where + ", got " +
        counted(classes.classes, "class", "classes") +
        " with one each, so that nothing belongs together; put the samples of one thing into one class");
}

// With fewer rows a batch and an evaluation would have nothing to compare.
void check_rows(const Finding& finding, int64_t rows, const char* what) {
  constexpr int64_t kFewestRows = 8;
  if (rows < kFewestRows)
    throw DataError("init: expected at least " + std::to_string(kFewestRows) + " " + what + " in " +
                    printable(finding.tuples.empty() ? finding.train.path : finding.tuples) + " (" +
                    finding.what + "), got " + std::to_string(rows) +
                    "; a model learns from hundreds or more: add some");
}

// Classes that decide the part, and samples if classes are too few for it.
void take_numbers(const sampler::Dataset& data, Measured& found) {
  found.class_numbers = sampler::class_numbers(data);
  if (found.train.groups >= kFewClasses) return;
  for (int64_t i = 0; i < data.size(); ++i) {
    found.sample_numbers.push_back(sampler::part_number(data.id(i)));
    found.sample_classes.push_back(data.label(i));
  }
}

void measure_images(const Finding& finding, Measured& found) {
  const auto train = sampler::open_images(finding.train, kColours, skip_bad_records());
  found.train = survey::survey_classes(*train);
  check_classes(finding, found.train);
  found.images = survey::survey_images(*train);
  take_numbers(*train, found);
  if (!finding.evaluate.empty())
    found.evaluate =
        survey::survey_classes(*sampler::open_images(finding.evaluate, kColours, skip_bad_records()));
}

void measure_tuples(const Finding& finding, Measured& found) {
  const sampler::TupleSet set = sampler::read_tuples(finding.tuples, kColours, {}, skip_bad_records());
  found.images = survey::survey_images(*set.images);
  found.rows = static_cast<int64_t>(set.tuples.size());
  found.samples_per_row = set.images_per_tuple;
  found.has_pair_labels = set.images_per_tuple == 2;
  check_rows(finding, found.rows, found.has_pair_labels ? "pairs" : "triplets");
  const auto open = [](const sampler::ImageSourceConfig& source) {
    return sampler::open_images(source, kColours, skip_bad_records());
  };
  if (!finding.evaluate.empty()) found.evaluate = survey::survey_classes(*open(finding.evaluate));
  if (finding.labelled.empty()) return;
  sampler::ImageSourceConfig labelled;
  labelled.path = finding.labelled;
  try {
    const auto images = open(labelled);
    found.labelled = survey::survey_classes(*images);
    found.class_numbers = sampler::class_numbers(*images);
  } catch (const DataError&) {  // other images lie around too: nothing can be held out
  }
}

void measure_captions(const Finding& finding, Measured& found) {
  const sampler::ImageTextSet set = open_captions(finding, finding.train);
  found.images = survey::survey_images(*set.images);
  found.texts = survey::survey_texts(*set.captions, {.samples = 4096});
  found.rows = set.images->size();
  found.samples_per_row = 2;
  check_rows(finding, found.rows, "images");
  if (!finding.evaluate.empty())
    found.rows_evaluate = open_captions(finding, finding.evaluate).images->size();
}

void measure_texts(const Finding& finding, Measured& found) {
  const sampler::TextSet set = open_text_rows(finding, finding.train, false);
  found.texts = survey::survey_texts(*set.texts, {.samples = 4096});
  found.rows = set.rows;
  found.samples_per_row = set.texts_per_row;
  found.has_pair_labels = !set.tuples.empty() && set.texts_per_row == 2;
  const bool has_classes = finding.text.format == sampler::TextFormat::kLabels;
  if (has_classes) {
    found.train = survey::survey_classes(*set.texts);
    check_classes(finding, found.train);
    take_numbers(*set.texts, found);
  } else {
    check_rows(finding, found.rows, "rows");
    if (finding.evaluate.empty())
      found.components = sampler::text_components(text_source(finding, finding.train, false));
  }
  if (finding.evaluate.empty()) return;
  const sampler::TextSet evaluate = open_text_rows(finding, finding.evaluate, true);
  found.rows_evaluate = evaluate.rows;
  if (has_classes) found.evaluate = survey::survey_classes(*evaluate.texts);
}

struct ContentRow {
  Content content;
  void (*measure)(const Finding& finding, Measured& found);
};
constexpr ContentRow kContents[] = {
    {.content = Content::kImages, .measure = measure_images},
    {.content = Content::kImageTuples, .measure = measure_tuples},
    {.content = Content::kCaptions, .measure = measure_captions},
    {.content = Content::kTexts, .measure = measure_texts},
};

void check_images(const Finding& finding, const survey::ImageSurvey& images) {
  if (images.read == 0 && images.damaged > 0)
    throw DataError("init: expected images that can be read in " +
                    printable(finding.tuples.empty() ? finding.train.path : finding.tuples) + ", got " +
                    counted(images.damaged, "damaged one") + "; the first: " + images.first_damaged);
}

}  // namespace

sampler::BadRecordConfig skip_bad_records() {
  sampler::BadRecordConfig config;
  config.on_bad_record = sampler::OnBadRecord::kSkip;
  return config;
}

Measured measure(const Finding& finding) {
  Measured found;
  for (const ContentRow& row : kContents)
    if (row.content == finding.content) row.measure(finding, found);
  check_images(finding, found.images);
  return found;
}

std::shared_ptr<const sampler::TextDataset> open_training_texts(const Finding& finding) {
  if (finding.content == Content::kCaptions) return open_captions(finding, finding.train).captions;
  if (finding.content == Content::kTexts) return open_text_rows(finding, finding.train, false).texts;
  return nullptr;
}

std::shared_ptr<const sampler::TextDataset> open_evaluation_texts(const Finding& finding) {
  if (finding.evaluate.empty()) return nullptr;
  if (finding.content == Content::kCaptions) return open_captions(finding, finding.evaluate).captions;
  if (finding.content == Content::kTexts) return open_text_rows(finding, finding.evaluate, true).texts;
  return nullptr;
}

int64_t count_tuples(const Finding& finding) {
  try {
    const sampler::TupleSet set =
        sampler::read_tuples(finding.tuples, kColours, {}, skip_bad_records(), finding.train.part);
    return static_cast<int64_t>(set.tuples.size());
  } catch (const DataError&) {
    return 0;
  }
}

}  // namespace lodestone::init
