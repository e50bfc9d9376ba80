#include "trainer/data/split.h"

#include <algorithm>
#include <array>

namespace lodestone::data {

namespace {

struct Row {
  std::string_view name;
  Split split;
};

constexpr auto kTrain = Split::kTrain;
constexpr auto kValidation = Split::kValidation;
constexpr auto kTest = Split::kTest;

// Related scripts are in one split, so that no test letter is similar to a training letter: alphabets that
// descend from Greek or are based on Latin are training scripts, the Brahmic ones are test and validation
// scripts.
constexpr auto kScripts = std::to_array<Row>({
    {"latin", kTrain},
    {"greek", kTrain},
    {"cyrillic", kTrain},
    {"canadian_aboriginal", kTrain},
    {"arabic", kTrain},
    {"hebrew", kTrain},
    {"georgian", kTrain},
    {"lisu", kTrain},
    {"runic", kTrain},
    {"gothic", kTrain},
    {"old_italic", kTrain},
    {"coptic", kTrain},
    {"thai", kValidation},
    {"khmer", kValidation},
    {"malayalam", kValidation},
    {"armenian", kTest},
    {"bengali", kTest},
    {"devanagari", kTest},
    {"ethiopic", kTest},
    {"gujarati", kTest},
    {"gurmukhi", kTest},
    {"kannada", kTest},
    {"lao", kTest},
    {"myanmar", kTest},
    {"sinhala", kTest},
    {"tamil", kTest},
    {"telugu", kTest},
});

// A row ending in '*' matches every family that begins with it; any other must be followed by a space or
// nothing.
constexpr auto kFamilies = std::to_array<Row>({
    {"Amiri", kTrain},
    {"Andika", kTrain},
    {"Arimo", kTrain},
    {"BPG", kTrain},
    {"Caladea", kTrain},
    {"Cantarell", kTrain},
    {"Cardo", kTrain},
    {"Carlito", kTrain},
    {"Charis", kTrain},
    {"Comic Neue", kTrain},
    {"Courier Prime", kTrain},
    {"Cousine", kTrain},
    {"David CLM", kTrain},
    {"DejaVu", kTrain},
    {"Dosis", kTrain},
    {"Doulos", kTrain},
    {"EB Garamond*", kTrain},
    {"Ezra SIL", kTrain},
    {"Fira Code", kTrain},
    {"Frank Ruehl CLM", kTrain},
    {"GFS*", kTrain},
    {"Galatia SIL", kTrain},
    {"Gentium*", kTrain},
    {"Go", kTrain},
    {"Hadasim CLM", kTrain},
    {"Harmattan", kTrain},
    {"Homa", kTrain},
    {"Junicode*", kTrain},
    {"Jura", kTrain},
    {"Kacst*", kTrain},
    {"Keter YG", kTrain},
    {"Lateef", kTrain},
    {"Lato", kTrain},
    {"Liberation", kTrain},
    {"Linux", kTrain},
    {"Miriam", kTrain},
    {"Nachlieli CLM", kTrain},
    {"Nazli", kTrain},
    {"Old Standard", kTrain},
    {"Open Sans*", kTrain},
    {"PT", kTrain},
    {"PakType", kTrain},
    {"Play", kTrain},
    {"Roboto", kTrain},
    {"Scheherazade*", kTrain},
    {"Shofar", kTrain},
    {"Simple CLM", kTrain},
    {"Thabit", kTrain},
    {"Tinos", kTrain},
    {"Titr", kTrain},
    {"Tuffy", kTrain},
    {"Vollkorn", kTrain},
    {"mononoki", kTrain},
    {"mry_KacstQurn", kTrain},

    {"AnjaliOldLipi", kValidation},
    {"Arundina", kValidation},
    {"Chilanka", kValidation},
    {"Dyuthi", kValidation},
    {"Garuda", kValidation},
    {"Gayathri", kValidation},
    {"Karumbi", kValidation},
    {"Keraleeyam", kValidation},
    {"Khmer", kValidation},
    {"Kinnari", kValidation},
    {"Laksaman", kValidation},
    {"Loma", kValidation},
    {"Manjari", kValidation},
    {"Meera", kValidation},
    {"Norasi", kValidation},
    {"Purisa", kValidation},
    {"Rachana", kValidation},
    {"RaghuMalayalam*", kValidation},
    {"Sawasdee", kValidation},
    {"Suruma", kValidation},
    {"Tlwg", kValidation},
    {"Umpush", kValidation},
    {"Uroob", kValidation},
    {"Waree", kValidation},

    {"Abyssinica SIL", kTest},
    {"Ani", kTest},
    {"Annapurna SIL", kTest},
    {"Chandas", kTest},
    {"FreeMono", kTest},
    {"FreeSans", kTest},
    {"FreeSerif", kTest},
    {"Gargi", kTest},
    {"Jamrul", kTest},
    {"Kalapi", kTest},
    {"Kalimati", kTest},
    {"Likhan", kTest},
    {"Lohit", kTest},
    {"Meera Inimai", kTest},
    {"Mitra*", kTest},
    {"Mukti", kTest},
    {"Nakula", kTest},
    {"Navilu", kTest},
    {"Noto", kTest},
    {"Padauk", kTest},
    {"Phetsarath OT", kTest},
    {"Pothana2000", kTest},
    {"Rasa", kTest},
    {"Rekha", kTest},
    {"Saab", kTest},
    {"Sahadeva", kTest},
    {"Samanata", kTest},
    {"Samyak", kTest},
    {"Sarai", kTest},
    {"TSCu*", kTest},
    {"Vemana2000", kTest},
    {"Yrsa", kTest},
    {"aakar", kTest},
    {"padmaa*", kTest},
});

// Excluded families: they draw other letters than their code points say (capitals for small letters,
// initials, key caps) or the same outlines as a sister family with another line spacing (UI).
constexpr auto kUnfit = std::to_array<std::string_view>(
    {" Caps", "Smallcaps", " Initials", " Keyboard", " Quran Colored", " UI", " Math "});

bool begins(std::string_view family, std::string_view row) {
  if (row.ends_with('*')) return family.starts_with(row.substr(0, row.size() - 1));
  return family.starts_with(row) && (family.size() == row.size() || family[row.size()] == ' ');
}

bool is_unfit(std::string_view family) {
  for (const auto part : kUnfit)
    if (family.find(part) != std::string_view::npos) return true;
  return false;
}

}  // namespace

const char* name_of(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kValidation:
      return "validation";
    case Split::kTest:
      return "test";
  }
  return "";
}

std::optional<Split> split_of_script(std::string_view script) {
  for (const auto& row : kScripts)
    if (row.name == script) return row.split;
  return std::nullopt;
}

std::optional<Split> split_of_family(std::string_view family) {
  if (is_unfit(family)) return std::nullopt;
  const Row* best = nullptr;
  for (const auto& row : kFamilies)
    if (begins(family, row.name) && (!best || row.name.size() > best->name.size())) best = &row;
  return best ? std::optional(best->split) : std::nullopt;
}

std::vector<std::string> absent_families(const std::set<std::string>& families) {
  std::vector<std::string> absent;
  for (const auto& row : kFamilies)
    if (std::ranges::none_of(families, [&](const std::string& family) { return begins(family, row.name); }))
      absent.emplace_back(row.name);
  return absent;
}

}  // namespace lodestone::data
