#include "sampler/tokenizers/wordpiece.h"

#include <algorithm>
#include <unordered_map>

#include "common/error.h"
#include "common/files.h"

namespace lodestone::sampler {

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;
constexpr size_t kMaxWordCharacters = 100;

struct Hash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

/// Tokens of one kind by their text.
struct Pieces {
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> ids;
  size_t longest = 0;  // bytes

  void add(std::string text, int64_t id) {
    longest = std::max(longest, text.size());
    ids.insert_or_assign(std::move(text), id);
  }
};

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

size_t characters(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), continues));
}

class WordPiece : public Tokenizer {
 public:
  WordPiece(std::vector<std::string> tokens, const BertText& how, const std::string& path)
      : how_(how), tokens_(std::move(tokens)) {
    for (size_t id = 0; id < tokens_.size(); ++id) {
      const std::string& token = tokens_[id];
      const bool continues_word = token.starts_with("##") && token.size() > 2;
      (continues_word ? inner_ : first_)
          .add(continues_word ? token.substr(2) : token, static_cast<int64_t>(id));
    }
    pad_ = mark("[PAD]", path);
    unknown_ = mark("[UNK]", path);
    begin_ = mark("[CLS]", path);
    end_ = mark("[SEP]", path);
  }

  std::vector<int64_t> encode(std::string_view text, int64_t max_tokens) const override {
    const auto room = static_cast<size_t>(max_tokens) - 1;  // one place is for the end token
    std::vector<int64_t> ids = {begin_};
    for_each_bert_word(text, how_, [&](std::string_view word) {
      add_word(word, ids);
      return ids.size() < room;
    });
    if (ids.size() > room) ids.resize(room);
    ids.push_back(end_);
    return ids;
  }

  int64_t vocabulary() const override { return static_cast<int64_t>(tokens_.size()); }
  int64_t padding() const override { return pad_; }
  std::string token(int64_t id) const override { return tokens_.at(static_cast<size_t>(id)); }

 private:
  int64_t mark(const char* name, const std::string& path) const {
    const auto found = first_.ids.find(std::string_view(name));
    if (found == first_.ids.end())
      throw DataError(std::string("tokenizer: expected a line with ") + name + " in " + path +
                      ", got none; is it a BERT vocabulary (vocab.txt)?");
    return found->second;
  }

  void add_word(std::string_view word, std::vector<int64_t>& ids) const {
    const size_t before = ids.size();
    const bool too_long = word.size() > kMaxWordCharacters && characters(word) > kMaxWordCharacters;
    for (size_t begin = 0; begin < word.size();) {
      const size_t length = too_long ? 0 : add_longest(word.substr(begin), begin == 0 ? first_ : inner_, ids);
      if (length == 0) {
        ids.resize(before);
        ids.push_back(unknown_);
        return;
      }
      begin += length;
    }
  }

  // The number of bytes covered; 0 if no token fits.
  static size_t add_longest(std::string_view rest, const Pieces& pieces, std::vector<int64_t>& ids) {
    for (size_t length = std::min(rest.size(), pieces.longest); length > 0; --length) {
      if (length < rest.size() && continues(rest[length])) continue;
      const auto found = pieces.ids.find(rest.substr(0, length));
      if (found == pieces.ids.end()) continue;
      ids.push_back(found->second);
      return length;
    }
    return 0;
  }

  BertText how_;
  std::vector<std::string> tokens_;
  Pieces first_, inner_;
  int64_t pad_, unknown_, begin_, end_;
};

std::vector<std::string> read_lines(const std::string& path) {
  std::string text;
  try {
    text = read_file(path, kMaxFileBytes);
  } catch (const IoError&) {
    std::throw_with_nested(DataError("tokenizer: expected a vocabulary of at most 64 MiB at " + path +
                                     "; check data.text.tokenizer.path"));
  }
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const bool carriage = end > begin && text[end - 1] == '\r';
    lines.push_back(text.substr(begin, end - begin - (carriage ? 1 : 0)));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

std::shared_ptr<const Tokenizer> open_wordpiece(const std::string& path, const BertText& how) {
  return std::make_shared<WordPiece>(read_lines(path), how, path);
}

}  // namespace lodestone::sampler
