#include "trainer/data/wordnet.h"

#include <array>
#include <map>
#include <set>
#include <sstream>

#include "common/error.h"
#include "common/files.h"
#include "common/paths.h"

namespace lodestone::data {

namespace {

constexpr auto kFiles = std::to_array<const char*>({"noun", "verb", "adj", "adv"});

// Links between synsets so close that one reveals the other: derivation, pertainym, participle, similar,
// opposite.
const std::set<std::string> kCloseLinks{"+", "\\", "<", "&", "!"};

struct Synset {
  Concept what;
  std::vector<std::string> linked;  // labels
};

// "00005930" and "n" name a synset; satellite adjectives ("s") are in the file of adjectives.
std::string label_of(const std::string& offset, const std::string& kind) {
  return offset + "-" + (kind == "s" ? "a" : kind);
}

// "close_to(p)": the marker gives the position of an adjective in a sentence.
std::string word_of(std::string text) {
  for (const std::string marker : {"(p)", "(a)", "(ip)"})
    if (text.ends_with(marker)) text.erase(text.size() - marker.size());
  for (char& c : text)
    if (c == '_') c = ' ';
  return text;
}

// The gloss without its examples, which follow it in quotes.
std::string definition_of(const std::string& gloss) {
  std::string text = gloss.substr(0, gloss.find("; \""));
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// One line of data.*, as in wndb(5): offset file kind words [word id]… pointers [symbol offset kind ends]… …
// | gloss.
std::optional<Synset> parse(const std::string& line) {
  const size_t bar = line.find(" | ");
  if (bar == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(0, bar));
  std::string offset, file, kind, word, id, symbol, other, other_kind, ends;
  int words = 0, pointers = 0;
  fields >> offset >> file >> kind >> std::hex >> words;
  Synset synset;
  synset.what.label = label_of(offset, kind);
  synset.what.names.push_back({definition_of(line.substr(bar + 3)), "definition"});
  for (int i = 0; i < words && fields >> word >> id; ++i)
    synset.what.names.push_back({word_of(word), "word"});
  fields >> std::dec >> pointers;
  for (int i = 0; i < pointers && fields >> symbol >> other >> other_kind >> ends; ++i)
    if (kCloseLinks.contains(symbol)) synset.linked.push_back(label_of(other, other_kind));
  return fields.fail() ? std::nullopt : std::optional(synset);
}

std::vector<Synset> read_synsets(const std::filesystem::path& path) {
  std::istringstream lines(read_file(path));
  std::vector<Synset> synsets;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.starts_with("  ")) continue;  // the licence
    auto synset = parse(line);
    if (!synset)
      throw DataError("wordnet: " + path.string() + " line " + std::to_string(number) +
                      ": expected a synset as in wndb(5), got \"" + line.substr(0, 60) +
                      "\"; install the package again: sudo apt-get install --reinstall wordnet-base");
    synsets.push_back(std::move(*synset));
  }
  return synsets;
}

std::vector<Concept> linked(std::vector<Synset> synsets) {
  std::map<std::string, size_t> place;
  for (size_t s = 0; s < synsets.size(); ++s) place[synsets[s].what.label] = s;
  std::vector<Concept> concepts;
  for (auto& synset : synsets) concepts.push_back(std::move(synset.what));
  for (size_t s = 0; s < synsets.size(); ++s)
    for (const auto& label : synsets[s].linked)
      if (const auto other = place.find(label); other != place.end()) {
        concepts[s].kin.push_back(other->second);
        concepts[other->second].kin.push_back(s);
      }
  return concepts;
}

}  // namespace

ConceptsReport make_wordnet(const WordnetOptions& options, const Log& log) {
  std::vector<Synset> synsets;
  std::string version;
  for (const char* name : kFiles) {
    const auto path = options.source / (std::string("data.") + name);
    if (!path_exists(path))
      throw DataError("wordnet: expected WordNet's file " + path.string() +
                      ", which does not exist; check --source, or install it: sudo apt-get install "
                      "--no-install-recommends wordnet-base");
    auto some = read_synsets(path);
    version += (version.empty() ? "" : " ") + checksum(read_file(path));
    std::move(some.begin(), some.end(), std::back_inserter(synsets));
  }
  log->info("wordnet: {} synsets", synsets.size());
  const auto concepts = distinct(linked(std::move(synsets)), "definition");
  return write_concepts(options.output,
                        {"wordnet", "role", version, {.validation = 0.02, .test = 0.04, .nearness = 0.6}},
                        concepts);
}

}  // namespace lodestone::data
