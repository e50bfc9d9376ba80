#include <functional>
#include <iostream>

#include "common/files.h"
#include "common/printable.h"
#include "sampler/path_patterns.h"
#include "sampler/texts/text_columns.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "sampler/tokenizers/train_sentencepiece.h"
#include "sampler/tokenizers/train_wordpiece.h"
#include "trainer/commands/command.h"

namespace lodestone {

namespace {

/// Hands out the texts of files one after the other.
class Texts {
 public:
  Texts(const std::vector<std::string>& inputs, const std::vector<std::string>& columns) {
    layout_.format = "texts";
    layout_.multiline = true;
    layout_.columns = columns;
    for (const std::string& input : inputs)
      for (std::string& path : expand_paths(input)) paths_.push_back(std::move(path));
  }

  std::optional<std::string> next() {
    while (next_value_ == values_.size())
      if (!read_row()) return {};
    return std::move(values_[next_value_++]);
  }

 private:
  struct Open {
    PositionedFile file;
    TextColumns columns;
    RecordReader reader;
    explicit Open(const std::string& path, const TextLayout& layout)
        : file(path),
          columns(file, syntax_of(path), layout),
          reader(file, syntax_of(path), layout.multiline) {
      if (columns.has_header()) reader.next();
    }
  };

  bool read_row() {
    if (!open_) {
      if (next_path_ == paths_.size()) return false;
      open_ = std::make_unique<Open>(paths_[next_path_++], layout_);
    }
    if (!open_->reader.next()) {
      open_.reset();
      return true;
    }
    try {
      values_ = open_->columns.values(open_->reader);
      next_value_ = 0;
    } catch (const DataError& error) {
      throw DataError(std::string("texts: ") + error.what() + " at " + open_->file.path() + ":" +
                      std::to_string(open_->reader.line()) + "; correct or remove it");
    }
    return true;
  }

  TextLayout layout_;
  std::vector<std::string> paths_;
  size_t next_path_ = 0;
  std::unique_ptr<Open> open_;
  std::vector<std::string> values_;
  size_t next_value_ = 0;
};

}  // namespace

int run_tokenizer_train(const TokenizerTrainArguments& arguments) {
  Texts texts(arguments.inputs, arguments.columns);
  int64_t tokens = 0;
  if (arguments.kind == "sentencepiece") {
    write_file_atomic(arguments.output,
                      train_sentencepiece([&] { return texts.next(); }, arguments.vocabulary));
    TokenizerConfig config;
    config.path = arguments.output;
    config.kind = arguments.kind;
    tokens = open_tokenizer(config)->vocabulary();
  } else {
    WordPieceTrainer trainer({!arguments.cased, !arguments.cased});
    while (const auto text = texts.next()) trainer.add(*text);
    std::string lines;
    for (const std::string& token : trainer.tokens(arguments.vocabulary)) {
      lines += token + "\n";
      ++tokens;
    }
    write_file_atomic(arguments.output, lines);
  }
  std::cout << tokens << " tokens: " << arguments.output << std::endl;
  if (tokens < arguments.vocabulary)
    std::cerr << "of the " << arguments.vocabulary
              << " tokens asked for: no two neighbours in these texts occur "
              << "together twice any more, so there are no more tokens to make; more text gives more"
              << std::endl;
  return kDone;
}

int run_tokenizer_encode(const TokenizerEncodeArguments& arguments) {
  TokenizerConfig config;
  config.path = arguments.tokenizer;
  config.kind = arguments.kind;
  config.lower_case = !arguments.cased;
  config.strip_accents = arguments.strip_accents;
  config.ids = arguments.ids;
  const auto tokenizer = open_tokenizer(config);
  Texts texts(arguments.inputs, arguments.columns);
  while (const auto text = texts.next()) {
    const char* space = "";
    for (const int64_t id : tokenizer->encode(*text, arguments.max_tokens)) {
      std::cout << space << (arguments.tokens ? printable(tokenizer->token(id)) : std::to_string(id));
      space = " ";
    }
    std::cout << '\n';
  }
  std::cout << std::flush;
  return kDone;
}

}  // namespace lodestone
