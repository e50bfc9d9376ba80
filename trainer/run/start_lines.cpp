#include "trainer/run/start_lines.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <unordered_map>

#include "common/counted.h"
#include "common/keys_without_effect.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "common/utf8.h"
#include "sampler/sources/listed_images.h"
#include "sampler/sources/tar_shard.h"
#include "sampler/texts/text_dataset.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

namespace {

constexpr int64_t kImages = 8;      // images to inspect
constexpr int64_t kTexts = 10'000;  // texts to inspect
constexpr int64_t kTextBytes = int64_t{16} << 20;
constexpr double kManyCut = 0.1;  // fraction of texts
constexpr int64_t kRowsLookedAt = 256;
constexpr double kFewPositives = 0.5;  // fraction of anchors

/// The numeric fields of a loss: temperature, margin, scale …
class Numbers : public Fields, public KeysWithoutEffect {
 public:
  std::string text;

  void field(const FieldInfo& info, FieldValue value) override {
    if (without_effect_.contains(info.name)) return;
    if (const auto* number = std::get_if<double*>(&value)) add(info, **number);
    if (const auto* number = std::get_if<std::optional<double>*>(&value); number && **number)
      add(info, ***number);
  }
  void group(const FieldInfo&, const std::function<void(Fields&)>& visit_members) override {
    visit_members(*this);
  }
  void slot(const FieldInfo&, SlotBase&) override {}
  void leave_without_effect(std::initializer_list<const char*> keys, const std::string&,
                            const char*) override {
    without_effect_.insert(keys.begin(), keys.end());
  }

 private:
  void add(const FieldInfo& info, double value) {
    text += (text.empty() ? " (" : ", ") + std::string(info.name) + " " + compact(value);
  }
  std::set<std::string> without_effect_;
};

std::string percent(double share) {
  return decimal(100 * share, share > 0 && share < 0.01 ? 2 : 0) + " %";
}

// ", of which 3 have one sample"; empty if the data has no classes.
std::string single_text(const RunConfig& config, const sampler::Dataset& data) {
  if (!config.names_classes(config.data.text.layout)) return "";
  std::vector<int64_t> size_c(static_cast<size_t>(data.classes()));
  for (int64_t i = 0; i < data.size(); ++i) ++size_c[static_cast<size_t>(data.label(i))];
  const auto single = std::count(size_c.begin(), size_c.end(), 1);
  return ", of which " + std::to_string(single) + (single == 1 ? " has one sample" : " have one sample");
}

/// The fraction of a batch's rows that have another row with their label.
double share_with_positive(const sampler::GlobalBatch& batch) {
  std::map<int64_t, int64_t> rows_of;
  for (const int64_t label : batch.labels) ++rows_of[label];
  const auto with = std::count_if(batch.labels.begin(), batch.labels.end(),
                                  [&](int64_t label) { return rows_of[label] > 1; });
  return static_cast<double>(with) / static_cast<double>(std::max<int64_t>(batch.rows(), 1));
}

std::vector<StartLine> batch_lines(const RunConfig& config, const TrainingData& data,
                                   sampler::Cursor cursor) {
  const sampler::GlobalBatch batch = data.sampler->batch(cursor);
  const std::string rows = "a batch: " + counted(batch.rows(), "row") + ", ";
  if (!batch.tuples.empty())
    return {{rows + counted(static_cast<int64_t>(batch.tuples.size()),
                            batch.tuples.front().is_triplet() ? "explicit triplet" : "explicit pair")}};
  if (config.loss->uses_proxies()) return {{rows + "each with the proxy of its class as its positive"}};
  double share = share_with_positive(batch);
  // A single small batch is not representative. Later batches of a sampler that learns cannot be known.
  const int64_t more = data.sampler->learner() ? 0 : kRowsLookedAt / std::max<int64_t>(batch.rows(), 1);
  for (int64_t n = 1; n <= more; ++n)
    share += share_with_positive(
        data.sampler->batch(sampler::advance(cursor, n, data.sampler->batches_per_epoch())));
  share /= static_cast<double>(more + 1);
  const std::string text = rows + percent(share) + " of the anchors have a positive";
  if (share >= kFewPositives || config.training.loss_head.memory.on()) return {{text}};
  return {{text +
               "; the others contribute nothing: draw 2 or more samples of each class "
               "(sampler.samples_per_class), or set sampler.name: " +
               sampler::samplers_with(&sampler::SamplerFactory::samples_are_labels) +
               " where classes have one sample",
           true}};
}

// The i-th of evenly spread positions that do not resonate with an order of the samples:
// multiples of the golden ratio.
int64_t spread(int64_t i, int64_t size) {
  constexpr double kGolden = 0.6180339887498949;
  const double at = (static_cast<double>(i) + 0.5) * kGolden;
  return std::min(size - 1, static_cast<int64_t>((at - std::floor(at)) * static_cast<double>(size)));
}

/// Images in their original form, evenly spread over the data set, as far as they
/// are files or members of shards.
std::vector<sampler::Image> originals(const RunConfig& config, const sampler::Dataset& data) {
  namespace fs = std::filesystem;
  const std::string path =
      config.data.resolved(config.data.tuples.empty() ? config.data.train.path : config.data.tuples);
  std::error_code ignored;
  sampler::ListedImages listed(
      fs::is_directory(path, ignored) ? fs::path(path) : fs::path(path).parent_path(),
      config.data.train.index_cache);
  sampler::DecodeOptions whole;
  whole.channels = 3;
  std::vector<sampler::Image> images;
  try {
    // Only the first image of a shard, since reading from a shard lists all of it.
    const bool sharded = sampler::ImageName::of(data.key(0)).member.has_value();
    for (int64_t i = 0; i < (sharded ? 1 : kImages); ++i) listed.index(data.key(spread(i, data.size())));
    const auto found = std::move(listed).open(whole);
    for (int64_t i = 0; i < found->size(); ++i) images.push_back(found->get(i));
  } catch (const Error&) {
    return images;  // the loader reports damaged images when it reads them
  }
  return images;
}

bool has_colour(const sampler::Image& image) {
  constexpr int kDifference = 16;  // of colour channels; JPEG files of grey images differ a little
  for (size_t p = 0; p + 2 < image.pixels.size(); p += 3) {
    const auto [low, high] = std::minmax({image.pixels[p], image.pixels[p + 1], image.pixels[p + 2]});
    if (high - low > kDifference) return true;
  }
  return false;
}

std::string extent(int64_t width, int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

std::vector<StartLine> image_lines(const RunConfig& config, const sampler::Dataset& data) {
  const auto images = originals(config, data);
  if (images.empty()) return {};
  const sampler::ImageTransformConfig& input = config.data.image;
  const auto& largest = *std::ranges::max_element(
      images, {}, [](const sampler::Image& i) { return int64_t{i.width} * i.height; });
  const bool colour = std::ranges::any_of(images, has_colour);
  const bool loses = colour && input.channels == 1;
  std::string text = "images: up to " + extent(largest.width, largest.height) +
                     (colour ? " in colour" : " grey") + ", trained on as " +
                     extent(input.width, input.height) + (input.channels == 1 ? " grey" : " in colour");
  if (loses) text += "; to train on their colours set data.image.channels: 3";
  if (largest.width > 2 * input.width && largest.height > 2 * input.height)
    text += "; for more detail set data.image.width and data.image.height";
  return {{text, loses}};
}

std::vector<StartLine> text_lines(const RunConfig& config, const sampler::TextDataset& texts) {
  const sampler::TokenRule rule = token_rule(config.data);
  const int64_t looked = std::min(kTexts, texts.size());
  int64_t seen = 0, cut = 0, bytes = 0;
  for (; seen < looked && bytes < kTextBytes; ++seen) {
    const std::string text = texts.get(seen * texts.size() / looked);
    bytes += static_cast<int64_t>(text.size());
    cut += static_cast<int64_t>(rule.tokenizer->encode(text, rule.max_tokens + 1).size()) > rule.max_tokens;
  }
  if (seen == 0) return {};
  const double share = static_cast<double>(cut) / static_cast<double>(seen);
  const std::string of = seen < texts.size() ? "of " + counted(seen, "text") + " looked at" : "of the texts";
  return {{"tokens: " + percent(share) + " " + of + " are longer than " + std::to_string(rule.max_tokens) +
               " tokens and are truncated" + (cut > 0 ? " (data.text.tokenizer.max_tokens)" : ""),
           share >= kManyCut}};
}

}  // namespace

std::string first_line(const RunConfig& config, const std::string& device) {
  Numbers numbers;
  config.loss->visit(numbers);
  return "loss " + config.loss.name() + numbers.text + (numbers.text.empty() ? "" : ")") + ", miner " +
         config.miner.name() + (config.miner.settled() ? " (auto)" : "") + ", encoder " +
         config.encoder.name() + " of width " + std::to_string(config.encoder->output_dim()) + ", device " +
         device + ", precision " + choice_name(config.training.precision, engine::kPrecisions);
}

std::string data_size(const RunConfig& config, const TrainingData& data) {
  const sampler::Dataset& set = *data.dataset();
  if (!data.tuples.empty())
    return counted(static_cast<int64_t>(data.tuples.size()), data.has_pairs() ? "pair" : "triplet") + " of " +
           std::to_string(set.size()) + " " + config.data.kind->samples();
  if (data.texts_per_row == 2) return counted(set.size() / 2, "pair");
  if (data.texts_per_row > 2)
    return counted(set.size() / data.texts_per_row, "row") + " of " + std::to_string(data.texts_per_row) +
           " texts";
  if (!config.names_classes(config.data.text.layout))
    return std::to_string(set.size()) + " " + config.data.kind->samples();
  return counted(set.size(), "sample") + " of " + counted(set.classes(), "class", "classes");
}

std::vector<StartLine> objective_lines(const RunConfig& config) {
  const std::string lost = discarded_negatives(config.loss.name(), *config.loss, config.miner);
  if (lost.empty()) return {};
  return {{lost, true}};
}

std::vector<StartLine> data_lines(const RunConfig& config, const TrainingData& data, sampler::Cursor cursor) {
  const sampler::Dataset& set = *data.dataset();
  std::vector<StartLine> all{{"data: " + data_size(config, data) + single_text(config, set)}};
  const auto add = [&all](std::vector<StartLine> more) { all.insert(all.end(), more.begin(), more.end()); };
  if (config.names_classes(config.data.text.layout)) add(spelling_lines("data", set));
  add(batch_lines(config, data, cursor));
  if (config.data.kind->reads_images()) add(image_lines(config, set));
  if (data.texts && data.texts->size() > 0) add(text_lines(config, *data.texts));
  return all;
}

std::vector<StartLine> overlap_lines(const RunConfig& config, const sampler::Dataset& trained,
                                     const sampler::Dataset& evaluated) {
  const SameBy same_by = config.data.kind->same_by(config);
  if (same_by == SameBy::kNothing) return {};
  const bool classes = same_by == SameBy::kClass;
  const auto for_each_name = [classes](const sampler::Dataset& data, const auto& visit) {
    for (int64_t c = 0; classes && c < data.classes(); ++c) visit(plain_name(data.class_name(c)));
    for (int64_t i = 0; !classes && i < data.size(); ++i) visit(std::to_string(data.id(i)));
  };
  std::set<std::string> names;
  for_each_name(evaluated, [&](const std::string& name) { names.insert(name); });
  const size_t all = names.size();
  for_each_name(trained, [&](const std::string& name) { names.erase(name); });
  const size_t shared = all - names.size();
  if (shared == 0) return {};
  return {{std::to_string(shared) + " of the " + std::to_string(all) + " " +
               (classes ? "classes" : config.data.kind->samples()) +
               " of the evaluation are trained on too: the metrics are not of unseen ones",
           true}};
}

std::vector<StartLine> spelling_lines(const std::string& where, const sampler::Dataset& data) {
  std::unordered_map<std::string, int64_t> first;
  int64_t count = 0;
  std::string example;
  for (int64_t c = 0; c < data.classes(); ++c) {
    const std::string name = data.class_name(c);
    const auto [found, is_new] = first.try_emplace(plain_name(name), c);
    if (is_new || count++ > 0) continue;
    example = "'" + printable(data.class_name(found->second)) + "' and '" + printable(name) + "'";
  }
  if (count == 0) return {};
  return {{where + ": " + counted(count, "class", "classes") + (count == 1 ? " has" : " have") +
               " another class's name except for blanks around it or its Unicode normal form; they stay "
               "separate classes; the first: " +
               example + "; give each class one spelling",
           true}};
}

std::vector<StartLine> left_out_lines(const std::string& where, const sampler::Dataset& data) {
  std::vector<StartLine> lines;
  for (const std::string& sentence : data.left_out().sentences())
    lines.push_back({where + ": left out " + sentence, true});
  return lines;
}

}  // namespace lodestone::run
