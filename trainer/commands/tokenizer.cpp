#include <functional>
#include <iostream>

#include "common/choices.h"
#include "common/output_file.h"
#include "common/printable.h"
#include "sampler/bad_records.h"
#include "sampler/texts/text_stream.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "trainer/commands/choice_option.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/verb.h"

namespace lodestone::commands {

namespace {

struct TokenizerTrainArguments {
  std::vector<std::string> inputs;
  std::vector<std::string> columns;
  std::string kind = "wordpiece";
  int64_t vocabulary = 30000;
  bool cased = false;
  std::string output;
  sampler::BadRecordConfig bad_records;
};

struct TokenizerEncodeArguments {
  std::vector<std::string> inputs;
  std::vector<std::string> columns;
  std::string tokenizer;
  std::string kind = "auto";
  bool cased = false;
  AutoYesNo strip_accents = AutoYesNo::kAuto;
  sampler::PieceIds ids = sampler::PieceIds::kAuto;
  bool read_special_tokens = false;
  int64_t max_tokens = 512;
  bool tokens = false;
};

int run_tokenizer_train(const TokenizerTrainArguments& arguments) {
  sampler::TokenizerConfig kind;
  kind.kind = arguments.kind;
  const sampler::TokenizerRow& row = sampler::tokenizer_row(kind);
  if (arguments.cased && !row.has_case)
    throw ConfigError("tokenizer: expected --cased with --kind " +
                      names_that(sampler::tokenizer_table(), std::mem_fn(&sampler::TokenizerRow::has_case)) +
                      " alone, got it with " + arguments.kind + "; leave it out");
  sampler::TextStream texts(arguments.inputs, arguments.columns, arguments.bad_records);
  const Replacement replacement(arguments.output);
  const auto [file, tokens] =
      row.train({arguments.vocabulary, arguments.cased, [&texts] { return texts.next(); }});
  write_output(arguments.output, file);
  replacement.report(*make_log(0, 1));
  std::cout << tokens << " tokens: " << arguments.output << std::endl;
  for (const std::string& sentence : texts.left_out().sentences())
    std::cerr << "left out " << printable(sentence) << std::endl;
  if (tokens < arguments.vocabulary)
    std::cerr << "fewer than the " << arguments.vocabulary
              << " requested tokens: no two neighbouring tokens in these texts occur "
              << "together more than once, so no more tokens can be made; use more text" << std::endl;
  return kDone;
}

int run_tokenizer_encode(const TokenizerEncodeArguments& arguments) {
  sampler::TokenizerConfig config;
  config.path = arguments.tokenizer;
  config.kind = arguments.kind;
  config.lower_case = !arguments.cased;
  config.strip_accents = arguments.strip_accents;
  config.ids = arguments.ids;
  config.read_special_tokens = arguments.read_special_tokens;
  if (config.read_special_tokens && !sampler::tokenizer_row(config).has_special_tokens)
    throw ConfigError(
        "tokenizer: expected --read-special-tokens with Hugging Face's tokenizer.json alone, got " +
        printable(arguments.tokenizer) + "; leave it out");
  const auto tokenizer = sampler::open_tokenizer(config);
  sampler::TextStream texts(arguments.inputs, arguments.columns);
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

std::vector<std::string> texts_of(const std::vector<const char*>& names) {
  return {names.begin(), names.end()};
}

std::vector<std::string> trained_kinds() {
  std::vector<std::string> names;
  for (const sampler::TokenizerRow& row : sampler::tokenizer_table())
    if (row.train != nullptr) names.emplace_back(row.name);
  return names;
}

template <typename Arguments>
void add_inputs(CLI::App* command, Arguments& arguments) {
  add_path(command, "--input", arguments->inputs,
           "Text files: .jsonl, .csv, .tsv or one text per line; glob patterns are expanded")
      ->required();
  command
      ->add_option("--columns", arguments->columns,
                   "Columns or keys that hold text, separated by commas (default: the column or key "
                   "text or sentence; all columns of a table without a header)")
      ->delimiter(',');
  command->add_flag("--cased", arguments->cased, "Keep capital letters and accents (wordpiece)");
}

}  // namespace

void add_tokenizer_train(CLI::App* train, Action& action) {
  auto train_arguments = on<TokenizerTrainArguments>(train, action, run_tokenizer_train);
  add_inputs(train, train_arguments);
  train->add_option("--kind", train_arguments->kind, "Kind of tokenizer")
      ->check(CLI::IsMember(trained_kinds()))
      ->capture_default_str();
  train->add_option("--vocabulary", train_arguments->vocabulary, "Number of tokens in the vocabulary")
      ->check(CLI::Range(16, 1 << 20))
      ->capture_default_str();
  sampler::BadRecordConfig& bad_records = train_arguments->bad_records;
  auto* on_bad_record =
      add_defaulted_choice(train, "--on-bad-record", bad_records.on_bad_record, sampler::kOnBadRecord,
                           "Handling of a line that cannot be read: fail, or skip, which counts it");
  train
      ->add_option("--max-bad-fraction", bad_records.max_bad_fraction,
                   "Fraction of the lines that may be skipped; more is an error")
      ->check(CLI::Range(0.0, 1.0))
      ->needs(on_bad_record)
      ->capture_default_str();
  add_output(train, train_arguments->output,
             "File for the vocabulary (" + docs_of(sampler::tokenizer_table()) + ")");
}

void add_tokenizer_encode(CLI::App* encode, Action& action) {
  auto encode_arguments = on<TokenizerEncodeArguments>(encode, action, run_tokenizer_encode);
  add_inputs(encode, encode_arguments);
  add_path(encode, "--tokenizer", encode_arguments->tokenizer,
           "Vocabulary file: vocab.txt, a SentencePiece model or Hugging Face's tokenizer.json")
      ->required();
  std::vector<std::string> kinds = texts_of(names_of(sampler::tokenizer_table()));
  kinds.insert(kinds.begin(), "auto");
  encode
      ->add_option("--kind", encode_arguments->kind,
                   "Kind of tokenizer. auto: by the name of the file; " + docs_of(sampler::tokenizer_table()))
      ->check(CLI::IsMember(kinds))
      ->capture_default_str();
  add_defaulted_choice(encode, "--strip-accents", encode_arguments->strip_accents, kAutoYesNo,
                       "Removal of accents (wordpiece); auto: yes unless --cased is given");
  add_defaulted_choice(encode, "--ids", encode_arguments->ids, sampler::kPieceIds,
                       "Numbering of the pieces (sentencepiece), as data.text.tokenizer.ids");
  encode
      ->add_option("--max-tokens", encode_arguments->max_tokens,
                   "Largest number of tokens per text; longer texts are truncated")
      ->check(CLI::Range(3, 65536))
      ->capture_default_str();
  encode->add_flag("--read-special-tokens", encode_arguments->read_special_tokens,
                   "Special tokens in a text become these tokens (huggingface)");
  encode->add_flag("--tokens", encode_arguments->tokens, "Print the tokens instead of their ids");
}

}  // namespace lodestone::commands
