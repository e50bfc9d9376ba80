// Files of other programs in the place of data, weights and models: each is named, with what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/program.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// Files that begin as those of other programs do.
class Files {
 public:
  Files() {
    add("a.parquet", "PAR1\x15", 'x');
    add("a.csv.gz", std::string("\x1f\x8b\x08\0", 4), 'x');
    add("a.bmp", "BM", '\0');
    add("a.tiff", std::string("II*\0", 4), 'x');
    add("m.pth", "PK\x03\x04", '\0');
    add("m.bin", "\x80\x02}q", '\0');
    add("tables/data-00000-of-00001.arrow", std::string("ARROW1\0\0", 8), 'x');
    add("bert/config.json", "{}", '\n');
    add("bert/pytorch_model.bin", "PK\x03\x04", '\0');
    add("pictures/a/0.png", "BM", '\0');
    add("run/checkpoints/step-00000001/model.safetensors", "", '\0');
    add("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na", '\n');
  }

  std::string path(const std::string& name) const { return folder_.path() / name; }

  std::string refused(std::vector<std::string> words, const std::vector<std::string>& settings = {}) const {
    for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
    const Finished end = run(lodestone(words), 60);
    EXPECT_THAT(end.code, ::testing::AnyOf(2, 3, 5)) << end.out << end.err;
    return end.err;
  }

  std::string train(const std::vector<std::string>& settings) const {
    std::ofstream(folder_.path() / "run.yaml")
        << "run_dir: " << path("out") << "\nglobal_batch: 1\nsampler: {name: shuffle}\n"
        << "schedule: {steps: 1, warmup_steps: 0}\n";
    return refused({"train", path("run.yaml")}, settings);
  }

  std::string train_on_texts(const std::string& name) const {
    return train({"data.kind=texts", "data.text.tokenizer.path=" + path("vocab.txt"), "encoder=bag_of_tokens",
                  "data.train.path=" + path(name)});
  }

 private:
  void add(const std::string& name, const std::string& begin, char filler) const {
    fs::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name, std::ios::binary) << begin << std::string(100, filler);
  }

  TempFolder folder_;
};

TEST(FileKinds, InThePlaceOfTextsAreNamedWithWhatToDo) {
  const Files files;
  EXPECT_THAT(files.train_on_texts("a.parquet"), HasSubstr("a Parquet file; convert it, with pandas: "));
  EXPECT_THAT(files.train_on_texts("a.csv.gz"), HasSubstr("a gzip file; decompress it: gunzip -k"));
  EXPECT_THAT(files.train_on_texts("tables"), HasSubstr("got the folder "));
  EXPECT_THAT(files.train_on_texts("tables/data-00000-of-00001.arrow"),
              HasSubstr("an Arrow file; convert it"));
}

TEST(FileKinds, InThePlaceOfImagesAreNamedWithWhatToDo) {
  const Files files;
  const auto train = [&](const std::string& name) {
    return files.train({"data.train.path=" + files.path(name)});
  };
  EXPECT_THAT(train("a.parquet"), HasSubstr("a Parquet file; convert it"));
  EXPECT_THAT(train("a.bmp"), HasSubstr("a BMP image; convert it to PNG or JPEG"));
  EXPECT_THAT(train("a.tiff"), HasSubstr("a TIFF image; convert it to PNG or JPEG"));
  EXPECT_THAT(train("pictures"), HasSubstr("a BMP image; convert it to PNG or JPEG"));
  EXPECT_THAT(train("tables"), HasSubstr("(*.arrow)"));
}

TEST(FileKinds, InThePlaceOfWeightsAreNamedWithWhatToDo) {
  const Files files;
  const auto train = [&](const std::string& name) {
    return files.train(
        {"encoder.init_from=" + files.path(name), "data.train.path=" + files.path("pictures")});
  };
  for (const char* pickle : {"m.pth", "m.bin", "bert"})
    EXPECT_THAT(train(pickle), HasSubstr("torch.load")) << pickle;
  EXPECT_THAT(train("a.parquet"), HasSubstr("a Parquet file"));
  EXPECT_THAT(train("run"), HasSubstr("got the run "));
}

TEST(FileKinds, InThePlaceOfAModelAreToldWhereTheyBelong) {
  const Files files;
  for (const char* name : {"m.pth", "m.bin", "bert"})
    EXPECT_THAT(files.refused({"evaluate", files.path(name)}), HasSubstr("encoder.init_from")) << name;
}

}  // namespace
}  // namespace lodestone::testing
