#include "sampler/tokenizers/huggingface/places.h"

#include "sampler/tokenizers/huggingface/characters.h"

namespace lodestone::sampler::huggingface {

namespace {

constexpr UChar32 kSpaceOfBytes = 0x120;  // Ġ

/// Numbers of characters at bytes of a text.
class Characters {
 public:
  explicit Characters(std::string_view text) {
    numbers_.reserve(text.size() + 1);
    size_t number = 0;
    for (const char byte : text) {
      if (!is_continuation(byte)) ++number;
      numbers_.push_back(number - 1);
    }
    numbers_.push_back(number);
  }
  PlacedToken of(int64_t id, size_t begin, size_t end) const {
    if (begin + 1 >= numbers_.size() || end >= numbers_.size()) return {id, begin, end};
    return {id, numbers_[begin], numbers_[end]};
  }

 private:
  std::vector<size_t> numbers_;
};

// Bytes of the original text.
PlacedToken bytes_of(const Text& text, const Token& token) {
  const Piece& piece = text.pieces[token.piece];
  const size_t first = piece.begin + token.begin, behind = piece.begin + token.end;
  if (token.begin == token.end) return {token.id, piece.base + token.begin, piece.base + token.end};
  if (behind > piece.end) return {token.id, token.begin, token.end};
  return {token.id, text.origins[first].begin, text.origins[behind - 1].end};
}

bool is_trimmed(UChar32 c) {
  return c == kSpaceOfBytes || is_white(c);
}

struct Spaces {
  size_t before = 0, behind = 0;
};

Spaces spaces_of(std::string_view text) {
  Spaces spaces;
  size_t all = 0;
  bool leading = true;
  for (size_t at = 0; at < text.size(); ++all) {
    const bool space = is_trimmed(next_character(text, at));
    leading = leading && space;
    spaces.before += leading ? 1 : 0;
    spaces.behind = space ? spaces.behind + 1 : 0;
  }
  return spaces;
}

void trim(PlacedToken& token, std::string_view text, bool is_first, bool keeps_prefix_space) {
  auto [before, behind] = spaces_of(text);
  if (before > 0) {
    if ((is_first || token.begin == 0) && keeps_prefix_space && before == 1) before = 0;
    token.begin = std::min(token.begin + before, token.end);
  }
  if (behind > 0 && token.end >= behind) token.end = std::max(token.end - behind, token.begin);
}

}  // namespace

std::vector<PlacedToken> places_of(const Text& text, const std::vector<Token>& tokens,
                                   std::string_view original, const Model& model,
                                   const std::vector<PostStep>& steps) {
  const Characters characters(original);
  std::vector<PlacedToken> placed;
  std::vector<std::string_view> texts;
  for (const Token& token : tokens) {
    const PlacedToken bytes = bytes_of(text, token);
    placed.push_back(characters.of(bytes.id, bytes.begin, bytes.end));
    const Piece& piece = text.pieces[token.piece];
    const bool own = piece.id < 0 && !model.keeps_text();
    texts.push_back(own ? std::string_view(model.vocabulary().token(token.id))
                        : text.of(piece).substr(token.begin, token.end - token.begin));
  }
  for (const PostStep& step : steps) {
    if (step.trims)
      for (size_t i = 0; i < placed.size(); ++i) trim(placed[i], texts[i], i == 0, step.keeps_prefix_space);
    for (const auto& [ids, at] :
         {std::pair{&step.before, size_t{0}}, std::pair{&step.after, placed.size() + step.before.size()}}) {
      std::vector<PlacedToken> around;
      for (const int64_t id : *ids) around.push_back({id, 0, 0});
      placed.insert(placed.begin() + static_cast<std::ptrdiff_t>(at), around.begin(), around.end());
      texts.insert(texts.begin() + static_cast<std::ptrdiff_t>(at), around.size(), std::string_view());
    }
  }
  return placed;
}

}  // namespace lodestone::sampler::huggingface
