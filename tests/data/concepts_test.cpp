#include "trainer/data/concepts.h"

#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "data/shard_reader.h"
#include "trainer/data/near_texts.h"

namespace lodestone {
using namespace data;
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> texts_of(const Concept& one) {
  std::vector<std::string> texts;
  for (const auto& name : one.names) texts.push_back(name.text);
  return texts;
}

// Concepts whose names have nothing in common: numbers in words of their own letters.
std::vector<Concept> many(int count) {
  std::vector<Concept> all;
  for (int i = 0; i < count; ++i) {
    const std::string word = checksum(std::to_string(i));
    all.push_back({"c" + std::to_string(i), {{word.substr(0, 12), "a"}, {word.substr(12, 12), "b"}}, {}});
  }
  return all;
}

TEST(NearTexts, FoldsCaseWidthAndSpace) {
  EXPECT_EQ(folded("  Stra\u00DFe \t A\uFF22 "), "strasse ab");
  EXPECT_EQ(folded(""), "");
}

TEST(NearTexts, FindsAllThatShareEnoughTrigramsAsCountedByHand) {
  // "abcd" between marks has the trigrams |ab abc bcd cd|; "abcde" |ab abc bcd cde de|: 3 in common of 6.
  const std::vector<std::string> texts{"abcd", "abcde", "ABCD", "wxyz", ""};
  EXPECT_THAT(NearTexts(texts, 0.5).near(0), ElementsAre(1, 2));
  EXPECT_THAT(NearTexts(texts, 0.51).near(0), ElementsAre(2));
  EXPECT_THAT(NearTexts(texts, 0.5).near(3), IsEmpty());
  EXPECT_THAT(NearTexts(texts, 0.5).near(4), IsEmpty());
}

TEST(NearTexts, EqualsTheComparisonOfAllPairs) {
  std::vector<std::string> texts;
  for (int i = 0; i < 120; ++i)
    texts.push_back(std::string("abcabdacbd").substr(i % 5, 3 + i % 6) + std::to_string(i % 7));
  const auto trigrams = [](const std::string& text) {
    std::set<std::string> all;
    const std::string marked = "<" + text + ">";
    for (size_t i = 0; i + 3 <= marked.size(); ++i) all.insert(marked.substr(i, 3));
    return all;
  };
  const NearTexts near(texts, 0.4);
  for (size_t i = 0; i < texts.size(); ++i) {
    std::vector<size_t> expected;
    for (size_t j = 0; j < texts.size(); ++j) {
      const auto a = trigrams(texts[i]), b = trigrams(texts[j]);
      size_t both = 0;
      for (const auto& trigram : a) both += b.count(trigram);
      if (j != i && static_cast<double>(both) >= 0.4 * static_cast<double>(a.size() + b.size() - both))
        expected.push_back(j);
    }
    EXPECT_EQ(near.near(i), expected) << texts[i];
  }
}

TEST(Distinct, LeavesATextOfSeveralMeaningsOutOfAllAndMakesThemKin) {
  const auto concepts = distinct({{"river", {{"bank", "w"}, {"shore", "w"}, {"edge of water", "d"}}, {}},
                                  {"money", {{"Bank", "w"}, {"lender", "w"}, {"keeps money", "d"}}, {}},
                                  {"other", {{"shop", "w"}, {"SHOP", "w"}, {"store", "w"}}, {}}});
  ASSERT_EQ(concepts.size(), 3u);
  EXPECT_THAT(texts_of(concepts[0]), ElementsAre("shore", "edge of water"));
  EXPECT_THAT(texts_of(concepts[1]), ElementsAre("lender", "keeps money"));
  EXPECT_THAT(texts_of(concepts[2]), ElementsAre("shop", "store"));
  EXPECT_THAT(concepts[0].kin, ElementsAre(1));
  EXPECT_THAT(concepts[2].kin, IsEmpty());
}

TEST(Distinct, LeavesOutConceptsWithoutTwoNamesOrTheNeededOneAndKeepsKinRight) {
  const auto concepts = distinct({{"one", {{"alone", "w"}}, {}},
                                  {"two", {{"a", "w"}, {"b", "w"}}, {2}},
                                  {"three", {{"c", "d"}, {"d", "w"}}, {0, 3}},
                                  {"four", {{"e", "d"}, {"f", "w"}}, {}}},
                                 "d");
  ASSERT_EQ(concepts.size(), 2u);
  EXPECT_EQ(concepts[0].label, "three");
  EXPECT_THAT(concepts[0].kin, ElementsAre(1)) << "four moved from place 3 to 1";
}

TEST(SplitConcepts, SharesOutByLabelAlone) {
  auto concepts = many(2000);
  const Shares shares{.validation = 0.1, .test = 0.2, .nearness = 0.9};
  const auto parts = split_concepts(concepts, shares);
  std::map<Split, int> count;
  for (const auto& part : parts) ++count[part.value()];
  EXPECT_NEAR(count[Split::kTest], 400, 60);
  EXPECT_NEAR(count[Split::kValidation], 200, 45);
  concepts.erase(concepts.begin());
  EXPECT_EQ(split_concepts(concepts, shares), std::vector(parts.begin() + 1, parts.end()));
}

TEST(SplitConcepts, NothingCloseToAnEvaluatedConceptIsTrainedOn) {
  auto concepts = many(300);
  const Shares shares{.validation = 0.2, .test = 0.2, .nearness = 0.6};
  const auto before = split_concepts(concepts, shares);
  const auto place = [&](Split split) {
    return static_cast<size_t>(std::find(before.begin(), before.end(), split) - before.begin());
  };
  const size_t test = place(Split::kTest), validation = place(Split::kValidation),
               train = place(Split::kTrain);
  concepts[test].kin = {validation};
  concepts[train].names[0].text = concepts[test].names[1].text + "s";
  const auto parts = split_concepts(concepts, shares);
  EXPECT_EQ(parts[test], Split::kTest);
  EXPECT_EQ(parts[validation], std::nullopt) << "kin of a test concept";
  EXPECT_EQ(parts[train], std::nullopt) << "a name nearly equal to a test concept's";
  EXPECT_EQ(std::ranges::count_if(parts, [](const auto& part) { return !part; }), 2);
}

TEST(WriteConcepts, WritesLinesAndAManifestAndReplacesThemAsAWhole) {
  const TempFolder folder;
  const ConceptsSource source{"made", "language", "v1", {.validation = 0.2, .test = 0.2, .nearness = 0.9}};
  const auto report = write_concepts(folder.path(), source, many(100));
  const auto files = read_folder(folder.path());
  EXPECT_EQ(files.size(), 7u);
  int64_t lines = 0;
  for (const Split split : kSplits) {
    const auto& part = report.splits[static_cast<size_t>(split)];
    const std::string& text = files.at(std::string(name_of(split)) + ".jsonl");
    EXPECT_EQ(std::ranges::count(text, '\n'), part.names);
    lines += part.names;
    const auto first = nlohmann::json::parse(text.substr(0, text.find('\n')));
    EXPECT_EQ(first.size(), 3u);
    EXPECT_TRUE(first.contains("text") && first.contains("label") && first.contains("language"));
    const auto manifest = nlohmann::json::parse(files.at("made.json"));
    EXPECT_EQ(manifest.at("splits").at(name_of(split)).at("files").at(0).at("checksum"), checksum(text));
    const std::string& pairs = files.at(std::string(name_of(split)) + "-pairs.jsonl");
    EXPECT_EQ(std::ranges::count(pairs, '\n'), part.names - part.concepts);
    EXPECT_EQ(nlohmann::json::parse(pairs.substr(0, pairs.find('\n'))).at("sentence1"), first.at("text"));
  }
  EXPECT_EQ(lines, 200);
  write_concepts(folder.path(), source, many(90));
  EXPECT_NE(read_folder(folder.path()), files);
  write_concepts(folder.path(), source, many(100));
  EXPECT_EQ(read_folder(folder.path()), files);
}

TEST(WriteConcepts, RefusesAnEmptyPartAndFilesOfAnotherOrigin) {
  const TempFolder folder;
  const ConceptsSource source{"made", "language", "v1", {}};
  try {
    write_concepts(folder.path(), source, many(1));
    FAIL() << "expected a DataError";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("expected concepts for the split"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  write_file_synced(folder.path() / "train.jsonl", "mine");
  EXPECT_THROW(write_concepts(folder.path(), source, many(100)), DataError);
  EXPECT_EQ(read_file(folder.path() / "train.jsonl"), "mine");
}

}  // namespace
}  // namespace lodestone
