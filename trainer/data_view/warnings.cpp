#include "trainer/data_view/warnings.h"

#include <algorithm>
#include <cmath>

#include "common/counted.h"
#include "common/printable.h"
#include "common/text_format.h"

namespace lodestone::data_view {

namespace {

constexpr double kManyCut = 0.05, kManyUnknown = 0.01;
constexpr double kMuchLarger = 4, kMuchSmaller = 0.6, kManyShapes = 1.5;
constexpr double kOffMean = 0.25, kOffDeviation = 3, kColoured = 0.5;

std::string percent(double share) {
  return decimal(100 * share, share < 0.1 ? 1 : 0) + " %";
}

std::string nouns(const Side& side, int64_t count) {
  return counted(count, side.images ? "image" : "text");
}

class Warnings {
 public:
  Warnings(const run::RunConfig& config, const Sides& sides, const DataFacts& facts)
      : config_(config), sides_(sides), facts_(facts) {}

  std::vector<std::string> all() && {
    if (!facts_.cannot_train.empty()) add("training would stop: " + facts_.cannot_train);
    about_both();
    about(sides_.training, facts_.training);
    if (sides_.evaluation) about(*sides_.evaluation, *facts_.evaluation);
    return std::move(found_);
  }

 private:
  void add(const std::string& sentence) { found_.push_back(sentence); }

  void about_both() {
    if (!facts_.common) return;
    const CommonFacts& common = *facts_.common;
    const Side& side = *sides_.evaluation;
    const auto names = [&](const SamplePair& pair) {
      return printable(side.samples().key(pair.second)) + " is " +
             printable(sides_.training.samples().key(pair.first));
    };
    if (common.copies.copies > 0)
      add(std::to_string(common.copies.copies) + " of the " + nouns(side, common.evaluated) +
          " of the evaluation " + (common.copies.copies == 1 ? "is" : "are") + " in the training data too (" +
          names(common.copies.examples.front()) +
          "): the metrics will be too good; remove them from one of the two");
    const LookAlikes& alike = common.look_alikes;
    if (alike.alike > 0)
      add(std::to_string(alike.alike) + " of " + nouns(side, alike.evaluated) +
          " of the evaluation look like a training " + (side.images ? "image" : "text") + " (" +
          printable(side.samples().key(alike.examples.front().second)) + " and " +
          printable(sides_.training.samples().key(alike.examples.front().first)) +
          "); compare them on the page (--html) and, if they show the same thing, split by what they have in "
          "common");
  }

  void about(const Side& side, const SideFacts& facts) {
    about_classes(side, facts);
    if (facts.images) about_images(side, *facts.images);
    if (facts.tokens) about_tokens(side, *facts.tokens);
  }

  void about_classes(const Side& side, const SideFacts& facts) {
    const Duplicates& same = facts.duplicates;
    if (same.contradictions > 0)
      add(side.name + ": " + nouns(side, same.contradictions) + " in two classes at once (" +
          printable(side.samples().key(same.examples.front().first)) + " and " +
          printable(side.samples().key(same.examples.front().second)) + "); correct one of the labels");
    if (same.copies - same.contradictions > facts.compared / 100)
      add(side.name + ": " + std::to_string(same.copies) + " of " + std::to_string(facts.compared) +
          (side.has_rows() ? " rows"
           : side.images   ? " images"
                           : " texts") +
          " are copies of others; remove them, since they " +
          (side.has_rows() ? "count twice" : "count as easy positives"));
    if (!facts.classes) return;
    const int64_t lone = facts.classes->classes - facts.classes->classes_with(2);
    if (lone > 0)
      add(side.name + ": " + counted(lone, "class has", "classes have") +
          " one sample alone, which has no positive" +
          (&side == &sides_.training ? "; add samples, or leave the class out with data.train.class_filter"
                                     : " and is no query; add samples"));
  }

  void about_images(const Side& side, const survey::ImageSurvey& images) {
    if (images.damaged > 0)
      add(side.name + ": " + std::to_string(images.damaged) + " of " +
          counted(images.read + images.damaged, "sampled image") + " cannot be read; repair them" +
          (config_.data.loader.bad_records.skips()
               ? ", or they are left out (data.loader.on_bad_record: skip)"
               : ", or set data.loader.on_bad_record: skip") +
          ". The first: " + images.first_damaged);
    if (images.read == 0) return;
    if (&side != &sides_.training) return;
    about_sizes(images);
    about_values(images);
  }

  void about_sizes(const survey::ImageSurvey& images) {
    const sampler::ImageTransformConfig& input = config_.data.image;
    const double larger = std::sqrt(images.width.median * images.height.median /
                                    static_cast<double>(input.width * input.height));
    const std::string sizes = decimal(images.width.median, 0) + " × " + decimal(images.height.median, 0) +
                              " pixels, the encoder reads " + std::to_string(input.width) + " × " +
                              std::to_string(input.height);
    if (larger > kMuchLarger)
      add("training: half of the images are at least " + sizes +
          ": detail is lost; raise data.image.width and height if it matters");
    if (larger < kMuchSmaller)
      add("training: half of the images are at most " + sizes +
          ": they are enlarged, which costs time and adds nothing; lower data.image.width and height");
    if (images.aspect.high / images.aspect.low > kManyShapes && input.fit == sampler::ImageFit::kStretch)
      add("training: width / height goes from " + decimal(images.aspect.low, 2) + " to " +
          decimal(images.aspect.high, 2) +
          ", and all images are stretched to one shape; set data.image.fit: crop if the shape of things "
          "matters");
  }

  void about_values(const survey::ImageSurvey& images) {
    const sampler::ImageTransformConfig& input = config_.data.image;
    if (input.channels == 3 && !images.is_coloured())
      add("training: the images are grey and are read as colour; set data.image.channels: 1, unless "
          "pretrained weights need three");
    if (input.channels == 1 && images.coloured > kColoured)
      add("training: " + percent(images.coloured) +
          " of the images have colours and are read as grey; set data.image.channels: 3 if colour matters");
    if (input.flip > 0 && images.is_drawing())
      add("training: the images look like letters or drawings, and data.image.flip mirrors them; set it to 0 "
          "if a mirrored one is another thing");
    const double mean = input.invert ? 1 - images.grey_mean : images.grey_mean;
    const double deviation = std::max(images.grey_deviation, 0.01);
    if (input.mean.empty() || input.std.empty()) return;
    if (std::abs(mean - input.mean.front()) > kOffMean || input.std.front() / deviation > kOffDeviation ||
        deviation / input.std.front() > kOffDeviation)
      add("training: the brightness has mean " + decimal(mean, 2) + " and deviation " +
          decimal(deviation, 2) + ", data.image has mean " + decimal(input.mean.front(), 2) + " and std " +
          decimal(input.std.front(), 2) + "; set data.image.mean: [" + decimal(mean, 2) + "] and std: [" +
          decimal(deviation, 2) + "], unless pretrained weights need others");
  }

  void about_tokens(const Side& side, const TokenSurvey& tokens) {
    if (tokens.read == 0) return;
    const double cut = static_cast<double>(tokens.cut) / static_cast<double>(tokens.read);
    const int64_t most = config_.data.text.tokenizer.max_tokens;
    if (cut > kManyCut)
      add(side.name + ": " + percent(cut) + " of the texts are cut at data.text.tokenizer.max_tokens: " +
          std::to_string(most) + "; raise it to " + decimal(tokens.tokens.high, 0) + ", which cuts 5 %");
    const double unknown =
        tokens.all == 0 ? 0 : static_cast<double>(tokens.unknown) / static_cast<double>(tokens.all);
    if (unknown > kManyUnknown)
      add(side.name + ": " + percent(unknown) +
          " of the tokens are unknown to the vocabulary; train one on these texts with `lodestone tokenizer "
          "train`");
  }

  const run::RunConfig& config_;
  const Sides& sides_;
  const DataFacts& facts_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> warnings_of(const run::RunConfig& config, const Sides& sides,
                                     const DataFacts& facts) {
  return Warnings(config, sides, facts).all();
}

}  // namespace lodestone::data_view
