#include "trainer/data/cldr.h"

#include <array>
#include <map>

#include <unicode/unistr.h>

#include "common/error.h"
#include "common/files.h"
#include "trainer/data/cldr_files.h"
#include "trainer/data/letters.h"

namespace lodestone::data {

namespace {

// Widely spoken languages, of many families and scripts. A name that several of them share belongs to the
// first one.
constexpr auto kLanguages =
    std::to_array<const char*>({"en", "de", "fr", "es", "pt", "pl", "ru", "uk", "el", "tr", "ar",
                                "fa", "he", "hi", "bn", "th", "vi", "id", "zh", "ja", "ko"});

struct Section {
  const char* kind;
  const char* folder;
  const char* xpath;
  const char* attribute;
};

constexpr auto kSections = std::to_array<Section>({
    {"language", "main", "/ldml/localeDisplayNames/languages/language", "type"},
    {"script", "main", "/ldml/localeDisplayNames/scripts/script", "type"},
    {"territory", "main", "/ldml/localeDisplayNames/territories/territory", "type"},
    {"currency", "main", "/ldml/numbers/currencies/currency/displayName[not(@count)]", "type"},
    {"unit", "main", "/ldml/units/unitLength[@type='long']/unit/displayName", "type"},
    {"subdivision", "subdivisions", "/ldml/localeDisplayNames/subdivisions/subdivision", "type"},
    {"symbol", "annotations", "/ldml/annotations/annotation[@type='tts']", "cp"},
});

// "U+1F1E9 U+1F1EA" for a symbol, else the code as it is.
std::string name_of_code(const Section& section, const std::string& code) {
  if (std::string(section.attribute) != "cp") return code;
  const auto text = icu::UnicodeString::fromUTF8(code);
  std::string name;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1))
    name += (name.empty() ? "" : " ") + code_name(static_cast<char32_t>(text.char32At(i)));
  return name;
}

}  // namespace

ConceptsReport make_cldr(const CldrOptions& options, const Log& log) {
  std::map<std::string, Concept> by_label;
  std::string read;
  for (const char* language : kLanguages)
    for (const auto& section : kSections) {
      const auto file = options.source / section.folder / (std::string(language) + ".xml");
      read_cldr(file, section.xpath, section.attribute,
                [&](const std::string& code, const std::string& text) {
                  const std::string label = section.kind + ("/" + name_of_code(section, code));
                  auto& one = by_label[label];
                  one.label = label;
                  one.names.push_back({text, language});
                });
      read += checksum(read_file(file));
    }
  std::vector<Concept> concepts;
  for (auto& [label, one] : by_label) concepts.push_back(std::move(one));
  log->info("cldr: {} things in {} languages", concepts.size(), kLanguages.size());
  return write_concepts(
      options.output,
      {"cldr", "language", checksum(read), {.validation = 0.05, .test = 0.15, .nearness = 0.6}},
      distinct(std::move(concepts)));
}

}  // namespace lodestone::data
