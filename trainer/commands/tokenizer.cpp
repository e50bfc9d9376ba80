#include <functional>
#include <iostream>

#include "common/choices.h"
#include "common/files.h"
#include "common/printable.h"
#include "sampler/bad_records.h"
#include "sampler/left_out.h"
#include "sampler/sources/path_patterns.h"
#include "sampler/texts/text_columns.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "sampler/tokenizers/train_sentencepiece.h"
#include "sampler/tokenizers/train_wordpiece.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/verb.h"

namespace lodestone {

namespace {

struct TokenizerTrainArguments {
  std::vector<std::string> inputs;
  std::vector<std::string> columns;
  std::string kind = "wordpiece";
  int64_t vocabulary = 30000;
  bool cased = false;
  std::string output;
  std::string on_bad_record = "fail";
  double max_bad_fraction = BadRecordConfig().max_bad_fraction;
};

struct TokenizerEncodeArguments {
  std::vector<std::string> inputs;
  std::vector<std::string> columns;
  std::string tokenizer;
  std::string kind = "auto";
  bool cased = false;
  std::string strip_accents = "auto";
  std::string ids = "auto";
  int64_t max_tokens = 512;
  bool tokens = false;
};

/// Returns the texts of several files one after the other.
/// Errors    a bad line is handled by `bad_records`.
class Texts {
 public:
  Texts(const std::vector<std::string>& inputs, const std::vector<std::string>& columns,
        BadRecordConfig bad_records = {})
      : bad_records_(std::move(bad_records)) {
    layout_.format = TextFormat::kTexts;
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

  const LeftOut& left_out() const { return left_out_; }

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
      if (next_path_ == paths_.size()) {
        check_bad_share(left_out_.count(), lines_, bad_records_, messages_);
        return false;
      }
      open_ = std::make_unique<Open>(paths_[next_path_++], layout_);
    }
    if (!open_->reader.next()) {
      open_.reset();
      return true;
    }
    lines_ += open_->reader.lines();
    try {
      values_ = open_->columns.values(open_->reader);
      next_value_ = 0;
    } catch (const DataError& error) {
      leave_out(std::string("texts: ") + error.what() + " at " + open_->file.path() + ":" +
                std::to_string(open_->reader.line()));
    }
    return true;
  }

  void leave_out(const std::string& message) {
    constexpr size_t kMessages = 20;
    if (!bad_records_.skips()) throw DataError(message + "; correct or remove it");
    left_out_.add("line|lines without a row that can be read (--on-bad-record skip)", message,
                  open_->reader.lines());
    if (messages_.size() < kMessages) messages_.push_back(message);
  }

  TextLayout layout_;
  std::vector<std::string> paths_;
  size_t next_path_ = 0;
  std::unique_ptr<Open> open_;
  std::vector<std::string> values_;
  size_t next_value_ = 0;
  BadRecordConfig bad_records_;
  int64_t lines_ = 0;
  LeftOut left_out_;
  std::vector<std::string> messages_;
};

int run_tokenizer_train(const TokenizerTrainArguments& arguments) {
  const OnBadRecord bad = arguments.on_bad_record == "skip" ? OnBadRecord::kSkip : OnBadRecord::kFail;
  Texts texts(arguments.inputs, arguments.columns, {bad, arguments.max_bad_fraction});
  int64_t tokens = 0;
  tell_replaced(arguments.output, *make_log(0, 1));
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
  for (const std::string& sentence : texts.left_out().sentences())
    std::cerr << "left out " << printable(sentence) << std::endl;
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
  config.strip_accents = *choice_named(arguments.strip_accents, kAutoYesNo);
  config.ids = *choice_named(arguments.ids, kPieceIds);
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

template <typename Arguments>
void add_inputs(CLI::App* command, Arguments& arguments) {
  add_path(command, "--input", arguments->inputs,
           "Text files: .jsonl, .csv, .tsv or one text per line; glob patterns are expanded")
      ->required();
  command
      ->add_option("--columns", arguments->columns,
                   "Columns or keys that hold text, separated by commas (default: all columns, or the key "
                   "\"text\" of .jsonl)")
      ->delimiter(',');
  command->add_flag("--cased", arguments->cased, "Keep capital letters and accents (wordpiece)");
}

}  // namespace

void add_tokenizer_train(CLI::App* train, Action& action) {
  auto train_arguments = on<TokenizerTrainArguments>(train, action, run_tokenizer_train);
  add_inputs(train, train_arguments);
  train->add_option("--kind", train_arguments->kind, "Kind of tokenizer: wordpiece or sentencepiece")
      ->check(CLI::IsMember({"wordpiece", "sentencepiece"}))
      ->capture_default_str();
  train->add_option("--vocabulary", train_arguments->vocabulary, "Number of tokens in the vocabulary")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  auto* on_bad_record =
      train
          ->add_option("--on-bad-record", train_arguments->on_bad_record,
                       "Handling of a line that cannot be read: fail, or skip, which counts it")
          ->check(CLI::IsMember({"fail", "skip"}))
          ->capture_default_str();
  train
      ->add_option("--max-bad-fraction", train_arguments->max_bad_fraction,
                   "Fraction of the lines that may be skipped; more is an error")
      ->check(CLI::Range(0.0, 1.0))
      ->needs(on_bad_record)
      ->capture_default_str();
  add_output(train, train_arguments->output,
             "File for the vocabulary: vocab.txt (wordpiece) or *.model (sentencepiece)");
}

void add_tokenizer_encode(CLI::App* encode, Action& action) {
  auto encode_arguments = on<TokenizerEncodeArguments>(encode, action, run_tokenizer_encode);
  add_inputs(encode, encode_arguments);
  add_path(encode, "--tokenizer", encode_arguments->tokenizer,
           "Vocabulary file: vocab.txt or a SentencePiece model")
      ->required();
  std::vector<std::string> kinds{"auto"};
  for (const char* name : names_of(tokenizer_table())) kinds.emplace_back(name);
  encode
      ->add_option("--kind", encode_arguments->kind,
                   "Kind of tokenizer; auto: sentencepiece for a file named *.model, otherwise wordpiece")
      ->check(CLI::IsMember(kinds))
      ->capture_default_str();
  encode
      ->add_option("--strip-accents", encode_arguments->strip_accents,
                   "Removal of accents (wordpiece); auto: yes unless --cased is given")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->capture_default_str();
  encode
      ->add_option("--ids", encode_arguments->ids,
                   "Numbering of the pieces (sentencepiece), as data.text.tokenizer.ids")
      ->check(CLI::IsMember({"auto", "sentencepiece", "xlm_roberta"}))
      ->capture_default_str();
  encode
      ->add_option("--max-tokens", encode_arguments->max_tokens,
                   "Largest number of tokens per text; longer texts are truncated")
      ->check(CLI::Range(3, 65536))
      ->capture_default_str();
  encode->add_flag("--tokens", encode_arguments->tokens, "Print the tokens instead of their ids");
}

}  // namespace lodestone
