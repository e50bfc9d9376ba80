#include "sampler/tokenizers/huggingface/added_tokens.h"

#include <unordered_map>

#include "common/printable.h"
#include "sampler/tokenizers/huggingface/characters.h"

namespace lodestone::sampler::huggingface {

namespace {

UChar32 character_before(std::string_view text, size_t at) {
  do --at;
  while (is_continuation(text[at]));
  return next_character(text, at);
}

AddedToken read_added(const Part& part) {
  AddedToken token;
  token.content = part.part("content").text();
  token.id = part.part("id").number(kMostId);
  token.single_word = part.part("single_word").yes();
  token.lstrip = part.part("lstrip").yes();
  token.rstrip = part.part("rstrip").yes();
  token.normalized = part.part("normalized").yes();
  token.special = part.part("special").yes();
  return token;
}

}  // namespace

std::vector<AddedToken> read_added_tokens(const Part& part, const Vocabulary& vocabulary) {
  std::vector<AddedToken> tokens;
  std::unordered_map<std::string, int64_t> ids;
  int64_t next = vocabulary.count();
  for (const Part& one : part.items()) {
    AddedToken token = read_added(one);
    if (token.content.empty()) continue;
    const int64_t known = vocabulary.find(token.content);
    const auto [found, is_new] = ids.emplace(token.content, known >= 0 ? known : next);
    if (is_new && known < 0) ++next;
    if (found->second != token.id)
      one.part("id").refuse(std::to_string(found->second) + " for '" +
                            printable(token.content.substr(0, 60)) +
                            "', which Hugging Face's tokenizers give it");
    if (is_new) tokens.push_back(std::move(token));
  }
  return tokens;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, std::unique_ptr<Normalizer> normalizer,
                         bool read_special)
    : tokens_(std::move(tokens)), normalizer_(std::move(normalizer)), read_special_(read_special) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (!tokens_[i].normalized || normalizer_ == nullptr) {
      add(tokens_[i].normalized ? normalized_ : raw_, tokens_[i].content, i);
      continue;
    }
    Run run;
    run.bytes = tokens_[i].content;
    normalizer_->normalize(run);
    add(normalized_, run.bytes, i);
  }
}

void AddedTokens::add(Finder& finder, const std::string& content, size_t number) const {
  if (content.empty()) return;
  finder.trie.insert(content, static_cast<int64_t>(number));
  finder.begins[static_cast<unsigned char>(content[0])] = true;
  finder.empty = false;
}

bool AddedTokens::is_alone(std::string_view text, size_t begin, size_t end) const {
  if (begin > 0 && is_word(character_before(text, begin))) return false;
  return end == text.size() || !is_word(next_character(text, end));
}

// The longest token at the first place where there is one, and on behind it.
void AddedTokens::split(const Finder& finder, const Text& from, const Piece& part,
                        std::vector<Piece>& pieces) const {
  const std::string_view text = from.of(part);
  size_t done = 0;
  const auto keep = [&](size_t begin, size_t end, int64_t id) {
    if (begin >= end) return;
    pieces.push_back(from.cut(part, begin, end));
    pieces.back().id = id;
  };
  for (size_t at = 0; !finder.empty && at < text.size();) {
    const bool may = finder.begins[static_cast<unsigned char>(text[at])];
    const auto found = may ? finder.trie.longest(text.substr(at)) : std::nullopt;
    if (!found) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(found->number)];
    size_t begin = at, end = at + found->length;
    at = end;
    if (token.special && !read_special_) continue;
    if (token.single_word && !is_alone(text, begin, end)) continue;
    if (token.lstrip)
      while (begin > done && is_white(character_before(text, begin))) do
          --begin;
        while (is_continuation(text[begin]));
    if (token.rstrip)
      for (size_t behind = end; end < text.size() && is_white(next_character(text, behind));) end = behind;
    keep(done, begin, -1);
    keep(begin, end, token.id);
    done = end;
  }
  keep(done, text.size(), -1);
}

Text AddedTokens::extract(std::string_view original, bool placed) const {
  Text raw;
  raw.placed = placed;
  raw.bytes = original;
  for (size_t at = 0; placed && at < original.size();) {
    const size_t length = length_of(original[at]);
    raw.origins.insert(raw.origins.end(), length,
                       {static_cast<uint32_t>(at), static_cast<uint32_t>(at + length)});
    at += length;
  }
  if (!original.empty()) split(raw_, raw, {0, original.size()}, raw.pieces);
  if (normalizer_ == nullptr && normalized_.empty) return raw;
  Text out;
  out.placed = placed;
  for (const Piece& piece : raw.pieces) {
    const size_t begin = out.bytes.size();
    if (piece.id >= 0) {
      out.append(raw, piece.begin, piece.end);
      out.pieces.push_back({begin, out.bytes.size(), piece.id, piece.base});
      continue;
    }
    Run run;
    run.bytes = raw.of(piece);
    run.placed = placed;
    run.base = piece.base;
    if (placed)
      run.origins.assign(raw.origins.begin() + static_cast<std::ptrdiff_t>(piece.begin),
                         raw.origins.begin() + static_cast<std::ptrdiff_t>(piece.end));
    if (normalizer_ != nullptr) normalizer_->normalize(run);
    out.bytes += run.bytes;
    out.origins.insert(out.origins.end(), run.origins.begin(), run.origins.end());
    split(normalized_, out, {begin, out.bytes.size()}, out.pieces);
  }
  return out;
}

}  // namespace lodestone::sampler::huggingface
