#include "common/config_faults.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "common/causes.h"
#include "common/key_index.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "common/words.h"
#include "common/yaml.h"

namespace lodestone {

namespace {

constexpr size_t kMostShown = 20;
// More places with a key of that name than these are no answer to where it belongs.
constexpr size_t kMostPlaces = 3;

std::string list_of(std::span<const std::string> sentences) {
  std::string text = "configuration: expected settings without faults, got " +
                     std::to_string(sentences.size()) + "; correct these and start again:";
  const size_t shown = std::min(sentences.size(), kMostShown);
  for (size_t i = 0; i < shown; ++i) text += "\n" + std::to_string(i + 1) + ". " + printable(sentences[i]);
  if (sentences.size() > shown) text += "\nand " + std::to_string(sentences.size() - shown) + " more";
  return text;
}

/// What is said about an unknown key, and the keys that it may stand for.
struct Meaning {
  std::string sentence;
  std::vector<std::string> keys;
};

std::string quoted(const std::vector<std::string>& keys) {
  std::vector<std::string> all;
  for (const std::string& key : keys) all.push_back("'" + key + "'");
  return joined(all, " or ");
}

// Keys that exist as things are set come first; the others belong to rows that are not chosen.
Meaning meaning_of(std::vector<std::string> keys, const KeyIndex& index, const std::string& note) {
  const auto exists = [&](const std::string& key) { return index.has(key); };
  if (std::ranges::any_of(keys, exists)) std::erase_if(keys, [&](const auto& key) { return !exists(key); });
  std::string sentence = "; did you mean " + quoted(keys) + "?";
  if (const auto* owner = index.owner(keys.front())) sentence += " It belongs to " + owner->sentence();
  return {sentence + (note.empty() ? "" : " (" + note + ")"), keys};
}

Meaning meaning_of(const UnknownKey& unknown, const KeyIndex& index, std::span<const KeySynonym> synonyms) {
  const std::string key = unknown.key();
  const std::string known = "; known here: " + joined(unknown.known);
  if (const auto* owner = index.owner(key))
    return {" with " + owner->slot + ".name: " + owner->chosen + "; it belongs to " + owner->sentence() +
                known + "; remove it" + unknown.by_set,
            {}};
  for (const KeySynonym& synonym : synonyms) {
    if (!is_one_of(synonym.words, unknown.word)) continue;
    if (synonym.keys.empty()) return {std::string("; ") + synonym.note, {}};
    return meaning_of({synonym.keys.begin(), synonym.keys.end()}, index, synonym.note);
  }
  const std::vector<std::string> elsewhere = index.ending_with(unknown.word);
  if (!elsewhere.empty() && elsewhere.size() <= kMostPlaces) return meaning_of(elsewhere, index, "");
  const std::string near = nearest_word(unknown.word, unknown.known);
  if (near.empty()) return {known, {}};
  return {"; did you mean '" + near + "'?" + known, {UnknownKey{unknown.mapping, near, {}, {}}.key()}};
}

bool is_part_of_a_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Whether `key` stands in the sentence as a word, possibly with further keys behind it.
bool has_word(const std::string& sentence, std::string_view key) {
  for (size_t at = sentence.find(key); at != std::string::npos; at = sentence.find(key, at + 1)) {
    const size_t end = at + key.size();
    const bool begins = at == 0 || (!is_part_of_a_word(sentence[at - 1]) && sentence[at - 1] != '.');
    if (begins && (end == sentence.size() || !is_part_of_a_word(sentence[end]))) return true;
  }
  return false;
}

// Sentences name keys of their own mapping by the last part alone.
bool mentions(const std::string& sentence, const std::string& key) {
  return has_word(sentence, key) || has_word(sentence, std::string_view(key).substr(key.rfind('.') + 1));
}

std::string sentence_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ConfigError& caught) {
    return explain_on_a_line(caught);
  }
}

}  // namespace

ConfigFaultList::ConfigFaultList(std::span<const std::string> sentences) : ConfigError(list_of(sentences)) {}

bool ConfigFaults::keep_error_of(const std::function<void()>& act, Fault fault) {
  try {
    act();
    return true;
  } catch (const ConfigError&) {
    fault.error = std::current_exception();
    faults_.push_back(std::move(fault));
    return false;
  }
}

bool ConfigFaults::collect_value(const ConfigNode& node, const std::string& key,
                                 const std::function<void()>& read) {
  return keep_error_of(read, {.line = node.line, .key = key});
}

void ConfigFaults::collect_apart(const std::function<void()>& act) {
  keep_error_of(act, {});
}

void ConfigFaults::collect(const std::function<void()>& check, int line) {
  keep_error_of(check, {.line = line, .may_follow = true});
}

void ConfigFaults::add(const std::string& sentence, int line) {
  collect([&] { throw ConfigError(sentence); }, line);
}

void ConfigFaults::add_unknown(const ConfigNode& node, const std::string& place, UnknownKey key) {
  faults_.push_back({.line = node.line, .place = place, .unknown = std::move(key)});
}

// One for each fault. Also finds the keys whose values are wrong, and those that unknown keys may stand for.
std::vector<std::string> ConfigFaults::sentences(const std::function<void(Fields&)>& visit,
                                                 std::span<const KeySynonym> synonyms,
                                                 std::vector<std::string>& faulty_keys) const {
  KeyIndex index;
  visit(index);
  std::vector<std::string> sentences;
  for (const Fault& fault : faults_) {
    if (!fault.key.empty()) faulty_keys.push_back(fault.key);
    if (fault.error) {
      sentences.push_back(sentence_of(fault.error));
      continue;
    }
    const Meaning meaning = meaning_of(fault.unknown, index, synonyms);
    sentences.push_back(fault.place + ": unknown key" + meaning.sentence);
    faulty_keys.insert(faulty_keys.end(), meaning.keys.begin(), meaning.keys.end());
  }
  return sentences;
}

void ConfigFaults::throw_any(const std::function<void(Fields&)>& visit,
                             std::span<const KeySynonym> synonyms) const {
  if (faults_.empty()) return;
  std::vector<std::string> faulty_keys;
  const std::vector<std::string> all = sentences(visit, synonyms, faulty_keys);
  std::vector<size_t> kept;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto follows = [&](const std::string& key) { return mentions(all[i], key); };
    if (!faults_[i].may_follow || std::ranges::none_of(faulty_keys, follows)) kept.push_back(i);
  }
  if (kept.size() == 1) {
    const Fault& fault = faults_[kept.front()];
    if (fault.error) std::rethrow_exception(fault.error);
    throw ConfigError(all[kept.front()]);
  }
  std::ranges::stable_sort(kept, {}, [&](size_t i) {
    return faults_[i].line > 0 ? faults_[i].line : std::numeric_limits<int>::max();
  });
  std::vector<std::string> shown;
  for (const size_t i : kept) shown.push_back(all[i]);
  throw ConfigFaultList(shown);
}

}  // namespace lodestone
