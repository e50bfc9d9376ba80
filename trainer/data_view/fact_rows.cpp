#include "trainer/data_view/fact_rows.h"

#include <algorithm>

#include "common/counted.h"
#include "common/printable.h"
#include "common/text_format.h"

namespace lodestone::data_view {

namespace {

constexpr size_t kNames = 3, kNameBytes = 80;

std::string number(double value) {
  return decimal(value, value == static_cast<double>(static_cast<int64_t>(value)) ? 0 : 2);
}

std::string percent(int64_t part, int64_t whole) {
  const double share = whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
  return decimal(share, share < 10 ? 1 : 0) + " %";
}

std::string range(const survey::Spread& spread) {
  if (spread.smallest == spread.largest) return number(spread.smallest);
  return number(spread.smallest) + " to " + number(spread.largest) + ", median " + number(spread.median);
}

const char* noun(const Side& side) {
  return side.images ? "image" : "text";
}

// "of 2,000 sampled images"; nothing if all were looked at.
std::string sampled(int64_t looked_at, int64_t all, const char* what) {
  return looked_at >= all ? "" : " (of " + counted(looked_at, std::string("sampled ") + what) + ")";
}

std::string sample_count(const Side& side) {
  const int64_t count = side.samples().size();
  if (side.has_captions()) return counted(count, "image") + " with " + counted(side.texts->size(), "caption");
  if (side.has_rows())
    return counted(count / side.texts_per_row, "row") + " of " + counted(side.texts_per_row, "text");
  return counted(count, noun(side));
}

void add_classes(const survey::ClassSurvey& classes, std::vector<FactRow>& rows) {
  rows.emplace_back("Classes", std::to_string(classes.classes));
  rows.emplace_back("Samples per class", range(classes.per_class));
  if (const int64_t lone = classes.classes - classes.classes_with(2); lone > 0)
    rows.emplace_back("Classes of one sample", std::to_string(lone));
  if (classes.groups < classes.classes)
    rows.emplace_back("Groups of classes that do not look alike", std::to_string(classes.groups));
}

void add_tuples(const SideFacts& facts, std::vector<FactRow>& rows) {
  if (facts.same + facts.different > 0)
    rows.emplace_back("Pairs",
                      std::to_string(facts.same) + " the same, " + std::to_string(facts.different) + " not");
  if (facts.triplets > 0) rows.emplace_back("Triplets", std::to_string(facts.triplets));
  if (facts.grades)
    rows.emplace_back("Grades", range(*facts.grades) + " (" + counted(facts.grades->count, "pair") + ")");
  if (facts.captions) rows.emplace_back("Captions per image", range(*facts.captions));
}

void add_images(const Side& side, const SideFacts& facts, std::vector<FactRow>& rows) {
  std::string formats;
  for (const auto& [ending, count] : facts.formats)
    formats += (formats.empty() ? "" : ", ") + std::to_string(count) + " *" + ending;
  if (!formats.empty()) rows.emplace_back("Files", formats);
  const survey::ImageSurvey& images = *facts.images;
  const std::string note = sampled(images.read + images.damaged, side.images->size(), "image");
  if (images.damaged > 0) rows.emplace_back("Unreadable", std::to_string(images.damaged) + note);
  if (images.read == 0) return;
  rows.emplace_back("Width", range(images.width) + " pixels" + note);
  rows.emplace_back("Height", range(images.height) + " pixels" + note);
  rows.emplace_back("In colour", decimal(100 * images.coloured, 0) + " %" + note);
  rows.emplace_back("Brightness", "mean " + decimal(images.grey_mean, 3) + ", deviation " +
                                      decimal(images.grey_deviation, 3) + note);
}

void add_texts(const Side& side, const SideFacts& facts, std::vector<FactRow>& rows) {
  const survey::TextSurvey& texts = *facts.texts;
  const TokenSurvey& tokens = *facts.tokens;
  const char* what = side.has_captions() ? "caption" : "text";
  const std::string note = sampled(texts.read + texts.damaged, side.texts->size(), what);
  if (texts.damaged > 0) rows.emplace_back("Unreadable", std::to_string(texts.damaged) + note);
  rows.emplace_back("Characters", range(texts.characters) + note);
  const std::string token_note = sampled(tokens.read, side.texts->size() - texts.damaged, what);
  rows.emplace_back("Tokens",
                    range(tokens.tokens) + ", 95 % up to " + number(tokens.tokens.high) + token_note);
  rows.emplace_back("Cut by max_tokens",
                    std::to_string(tokens.cut) + ", " + percent(tokens.cut, tokens.read) + token_note);
  rows.emplace_back("Unknown tokens", percent(tokens.unknown, tokens.all) + token_note);
}

std::string first_names(const std::vector<std::string>& names) {
  std::vector<std::string> first;
  for (size_t i = 0; i < std::min(kNames, names.size()); ++i)
    first.push_back(printable(names[i].substr(0, kNameBytes)));
  return joined(first) + (names.size() > kNames ? ", …" : "");
}

std::string name_of(const Side& side, int64_t i) {
  return printable(side.has_rows() ? side.row_name(i) : side.samples().key(i));
}

std::string first_copies(const Side& side, const std::vector<SamplePair>& copies) {
  std::string text;
  for (size_t i = 0; i < std::min(kNames, copies.size()); ++i)
    text +=
        (i == 0 ? ": " : "; ") + name_of(side, copies[i].first) + " and " + name_of(side, copies[i].second);
  return text + (copies.size() > kNames ? "; …" : "");
}

nlohmann::ordered_json names_of(const Side& first, const Side& second, const std::vector<SamplePair>& pairs) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const SamplePair& pair : pairs)
    list.push_back({first.samples().key(pair.first), second.samples().key(pair.second)});
  return list;
}

nlohmann::ordered_json json_of(const survey::Spread& spread) {
  return {{"count", spread.count}, {"min", spread.smallest}, {"p5", spread.low},   {"median", spread.median},
          {"p95", spread.high},    {"max", spread.largest},  {"mean", spread.mean}};
}

nlohmann::ordered_json json_of(const Side& side, const SideFacts& facts) {
  nlohmann::ordered_json json;
  json["samples"] = facts.samples;
  if (facts.classes)
    json["classes"] = {{"count", facts.classes->classes},
                       {"groups", facts.classes->groups},
                       {"of_one_sample", facts.classes->classes - facts.classes->classes_with(2)},
                       {"samples_per_class", json_of(facts.classes->per_class)}};
  if (!side.tuples.empty())
    json["tuples"] = {{"same", facts.same}, {"different", facts.different}, {"triplets", facts.triplets}};
  if (facts.grades) json["grades"] = json_of(*facts.grades);
  if (facts.captions) json["captions_per_image"] = json_of(*facts.captions);
  if (facts.images)
    json["images"] = {{"read", facts.images->read},
                      {"unreadable", facts.images->damaged},
                      {"width", json_of(facts.images->width)},
                      {"height", json_of(facts.images->height)},
                      {"coloured", facts.images->coloured},
                      {"grey_mean", facts.images->grey_mean},
                      {"grey_std", facts.images->grey_deviation},
                      {"formats", facts.formats}};
  if (facts.tokens)
    json["texts"] = {{"read", facts.texts->read},
                     {"unreadable", facts.texts->damaged},
                     {"characters", json_of(facts.texts->characters)},
                     {"tokens", json_of(facts.tokens->tokens)},
                     {"cut", facts.tokens->cut},
                     {"tokens_read", facts.tokens->all},
                     {"unknown", facts.tokens->unknown}};
  json["duplicates"] = {{"compared", facts.compared},
                        {"copies", facts.duplicates.copies},
                        {"in_two_classes", facts.duplicates.contradictions},
                        {"examples", names_of(side, side, facts.duplicates.examples)}};
  json["left_out"] = side.left_out;
  return json;
}

}  // namespace

std::vector<FactRow> rows_of(const Side& side, const SideFacts& facts) {
  std::vector<FactRow> rows{{"Samples", sample_count(side)}};
  if (facts.classes) add_classes(*facts.classes, rows);
  add_tuples(facts, rows);
  if (facts.images) add_images(side, facts, rows);
  if (facts.texts) add_texts(side, facts, rows);
  const int64_t all = side.has_rows() ? side.texts->size() / side.texts_per_row : facts.samples;
  rows.emplace_back("Copies of others", std::to_string(facts.duplicates.copies) +
                                            sampled(facts.compared, all, noun(side)) +
                                            first_copies(side, facts.duplicates.examples));
  if (side.has_classes)
    rows.emplace_back("In two classes at once", std::to_string(facts.duplicates.contradictions) +
                                                    sampled(facts.compared, all, noun(side)));
  for (const std::string& sentence : side.left_out) rows.emplace_back("Left out", printable(sentence));
  return rows;
}

std::vector<FactRow> rows_of(const Sides& sides, const CommonFacts& common) {
  const Side& evaluation = *sides.evaluation;
  const std::string one = noun(evaluation), ones = evaluation.images ? "" : " distinct ones";
  std::vector<FactRow> rows;
  if (evaluation.has_classes && sides.training.has_classes)
    rows.emplace_back("Classes in both",
                      std::to_string(common.classes.size()) +
                          (common.classes.empty() ? "" : ": " + first_names(common.classes)));
  rows.emplace_back("Evaluation " + one + "s that are in the training data",
                    std::to_string(common.copies.copies) + " (" + std::to_string(common.evaluated) + ones +
                        " compared with " + std::to_string(common.trained) + ")");
  const LookAlikes& alike = common.look_alikes;
  rows.emplace_back("Others that look like a training " + one,
                    std::to_string(alike.alike) + " (" + std::to_string(alike.evaluated) + " compared with " +
                        std::to_string(alike.trained) + ")");
  return rows;
}

nlohmann::ordered_json json_of(const Sides& sides, const DataFacts& facts) {
  const auto names = [&](const std::vector<SamplePair>& pairs) {
    return names_of(sides.training, *sides.evaluation, pairs);
  };
  nlohmann::ordered_json json;
  json["training"] = json_of(sides.training, facts.training);
  if (facts.evaluation) json["evaluation"] = json_of(*sides.evaluation, *facts.evaluation);
  if (facts.common)
    json["common"] = {{"classes", facts.common->classes.size()},
                      {"evaluation_compared", facts.common->evaluated},
                      {"training_compared", facts.common->trained},
                      {"copies", facts.common->copies.copies},
                      {"copy_examples", names(facts.common->copies.examples)},
                      {"look_alikes_compared", facts.common->look_alikes.evaluated},
                      {"look_alikes", facts.common->look_alikes.alike},
                      {"look_alike_examples", names(facts.common->look_alikes.examples)}};
  json["warnings"] = facts.warnings;
  return json;
}

}  // namespace lodestone::data_view
