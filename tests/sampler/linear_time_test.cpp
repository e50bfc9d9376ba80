// What reads files that others made takes time in proportion to their size, whatever is in them.
#include <gtest/gtest.h>
#include <sentencepiece_trainer.h>

#include "common/error.h"
#include "sampler/sources/image_source.h"
#include "sampler/sources/tar_index.h"
#include "sampler/sources/tuples.h"
#include "sampler/texts/text_source.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "sampler/tokenizers/train_wordpiece.h"
#include "support/growth.h"
#include "support/images.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::expect_linear;
using testing::TextFolder;

std::string times(size_t n, const std::string& line) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += line;
  return text;
}

/// Expects that files of n lines are read, or refused, in linear time.
void expect_linear_texts(const std::string& name, const std::string& head, const std::string& line,
                         TextFormat format, bool multiline = false) {
  SCOPED_TRACE(name + ": " + line.substr(0, 40));
  const TextFolder folder;
  TextSource source;
  source.layout.format = format;
  source.layout.multiline = multiline;
  source.bad_records = {OnBadRecord::kSkip, 1.0};
  expect_linear([&](size_t n) { return folder.write(std::to_string(n) + name, head + times(n, line)); },
                [&](const std::string& path) {
                  source.path = path;
                  try {
                    open_texts(source);
                  } catch (const DataError&) {
                  }
                },
                1000, 1 << 20);
}

TEST(LinearTime, OfTexts) {
  expect_linear_texts("a.csv", "text,label\n", "\"a, b\",\"c \"\"d\"\"\"\n", TextFormat::kLabels);
  expect_linear_texts("a.tsv", "", "a text\tits label\n", TextFormat::kLabels);
  expect_linear_texts("a.jsonl", "", "{\"text\":\"a\",\"label\":\"b\"}\n", TextFormat::kLabels);
  expect_linear_texts("a.txt", "", "a text of its own\n", TextFormat::kTexts);
}

TEST(LinearTime, OfTextsThatAreNoRecords) {
  for (const bool multiline : {false, true})
    for (const char* line : {"\"open,k\n", "x\",\"\n", "\"\"\"a\n", "\"a\"b\n", "\"\n"})
      expect_linear_texts("q.csv", "text,label\na,b\n", line, TextFormat::kLabels, multiline);
  expect_linear_texts("q.tsv", "a\tb\n", "\xff\t\n", TextFormat::kLabels);
  expect_linear_texts("q.jsonl", "{\"text\":\"a\",\"label\":\"b\"}\n", "[[[[\n", TextFormat::kLabels);
}

TEST(LinearTime, OfOneLongLine) {
  const std::pair<const char*, const char*> kLines[] = {{"l.csv", "a"},  {"l.csv", ","}, {"l.csv", "\"\""},
                                                        {"l.tsv", "\t"}, {"l.txt", "a"}, {"l.jsonl", "{\""},
                                                        {"l.jsonl", "["}};
  for (const auto& [name, piece] : kLines) {
    SCOPED_TRACE(std::string(name) + " of " + piece);
    const TextFolder folder;
    TextSource source;
    source.layout.format = TextFormat::kTexts;
    expect_linear([&, name = name, piece = piece](
                      size_t n) { return folder.write(std::to_string(n) + name, times(n, piece)); },
                  [&](const std::string& path) {
                    source.path = path;
                    try {
                      open_texts(source);
                    } catch (const DataError&) {
                    }
                  },
                  10000, 1 << 22);
  }
}

TEST(LinearTime, OfListsOfImages) {
  for (const char* line : {"a.png,x,1,0\n", "\"a.png\",\"x, y\",yes,no\n", "\"open.png,x,1,0\n"}) {
    SCOPED_TRACE(line);
    const TextFolder folder;
    ImageSourceConfig config;
    expect_linear(
        [&](size_t n) {
          return folder.write(std::to_string(n) + ".csv",
                              "path,label,is_query,is_gallery\n" + times(n, line));
        },
        [&](const std::string& path) {
          config.path = path;
          try {
            open_image_manifest(config, {});
          } catch (const DataError&) {
          }
        },
        1000, 1 << 20);
  }
}

TEST(LinearTime, OfListsOfTuples) {
  const TextFolder folder;
  for (const char* name : {"a.png", "b.png"}) folder.write(name, "");
  expect_linear(
      [&](size_t n) { return folder.write(std::to_string(n) + ".tsv", times(n, "a.png\tb.png\t1\n")); },
      [](const std::string& path) { read_tuples(path, {}); }, 1000, 1 << 18);
}

TEST(LinearTime, OfTars) {
  const TextFolder folder;
  const auto expect_linear_tar = [&](const auto& make) {
    expect_linear([&](size_t n) { return folder.write(std::to_string(n) + ".tar", make(n)); },
                  [](const std::string& path) {
                    try {
                      index_tar(PositionedFile(path));
                    } catch (const DataError&) {
                    }
                  },
                  1000, 1 << 17);
  };
  expect_linear_tar([](size_t n) {
    testing::Tar tar;
    for (size_t i = 0; i < n; ++i) tar.add(std::to_string(i), "");
    return tar.finished();
  });
  // One long extended header, and one for each member.
  expect_linear_tar([](size_t n) {
    return testing::Tar().add("x", times(n, "12 a=bcdefg\n"), 'x').add("a", "").finished();
  });
  expect_linear_tar([](size_t n) {
    testing::Tar tar;
    for (size_t i = 0; i < n; ++i) tar.add("x", "12 path=abc\n", 'x').add("a", "");
    return tar.finished();
  });
}

class Sentences : public sentencepiece::SentenceIterator {
 public:
  bool done() const override { return n_ == 400; }
  void Next() override {
    ++n_;
    text_ = "aab ab" + std::string(n_ % 7, 'a') + " b" + std::to_string(n_ % 13);
  }
  const std::string& value() const override { return text_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  size_t n_ = 0;
  std::string text_ = "ab";
};

// A SentencePiece model of few pieces. `type` is unigram or bpe.
std::string small_model(const std::string& type) {
  std::string model;
  Sentences sentences;
  const auto status = sentencepiece::SentencePieceTrainer::Train({{"vocab_size", "24"},
                                                                  {"model_type", type},
                                                                  {"pad_id", "0"},
                                                                  {"unk_id", "1"},
                                                                  {"bos_id", "2"},
                                                                  {"eos_id", "3"},
                                                                  {"minloglevel", "2"}},
                                                                 &sentences, &model);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return model;
}

TEST(LinearTime, OfTokenizers) {
  const TextFolder folder;
  TokenizerConfig words, pieces, merges;
  words.path = folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##a\nab\n##b\n,\n");
  pieces.path = folder.write("unigram.model", small_model("unigram"));
  merges.path = folder.write("bpe.model", small_model("bpe"));
  for (const TokenizerConfig* config : {&words, &pieces, &merges}) {
    const auto tokenizer = open_tokenizer(*config);
    const int64_t max_tokens =
        config == &words ? 1 << 20 : 512;  // SentencePiece is given no more of a text than fits
    for (const char* piece : {"a", "a ", ",", "ab ab ", "\u00e9", "a\u0301", "\xff", "\u4e2d", "\n"}) {
      SCOPED_TRACE(config->path + " of " + piece);
      expect_linear([&](size_t n) { return times(n, piece); },
                    [&](const std::string& text) { tokenizer->encode(text, max_tokens); }, 1000, 1 << 20);
    }
  }
}

TEST(LinearTime, OfVocabularies) {
  const TextFolder folder;
  TokenizerConfig config;
  expect_linear(
      [&](size_t n) {
        std::string tokens = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
        for (size_t i = 0; i < n; ++i) tokens += "t" + std::to_string(i) + "\n";
        return folder.write(std::to_string(n) + ".txt", tokens);
      },
      [&](const std::string& path) {
        config.path = path;
        open_tokenizer(config);
      },
      1000, 1 << 15);
}

}  // namespace
}  // namespace lodestone
