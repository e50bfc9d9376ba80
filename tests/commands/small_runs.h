#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "support/images.h"
#include "support/program.h"
#include "support/texts.h"

/// Trainings of a few steps on each kind of data.
namespace lodestone::testing {

inline constexpr const char* kFewSteps =
    "schedule: {steps: 3, warmup_steps: 1}\ncheckpoint: {every_steps: 0}\ndistributed: {timeout: 60}\n";

inline std::string images_of(const std::string& kind, const std::string& encoder, int channels) {
  return "global_batch: 16\ndata:\n  train: {path: " + kind +
         "}\n  image: {width: 16, height: 16, channels: " + std::to_string(channels) +
         "}\nencoder: " + encoder + "\nloss: supcon\nevaluate: {data: {path: " + kind + "}, floor: false}\n";
}
inline std::string grey_images(const std::string& encoder) {
  return images_of("grey", encoder, 1);
}
inline std::string colour_images(const std::string& encoder) {
  return images_of("colour", encoder, 3);
}
inline std::string texts(const std::string& encoder) {
  return "global_batch: 16\ndata:\n  kind: texts\n  train: {path: texts.tsv}\n  text: {format: labels, "
         "tokenizer: {path: "
         "vocab.txt, max_tokens: 16}}\nencoder: " +
         encoder +
         "\nloss: infonce\nevaluate: {data: {path: texts.tsv}, text: {format: labels}, floor: false}\n";
}
inline std::string captions() {
  return "global_batch: 16\ndata:\n  kind: image_texts\n  train: {path: captions.tsv}\n  image: {width: 16, "
         "height: 16, "
         "channels: 3}\n  text: {tokenizer: {path: vocab.txt, max_tokens: 16}}\nsampler: {name: "
         "two_views}\nencoder: "
         "{name: two_tower, image: {name: conv4, channels: [8, 8, 8], embedding: 8}, text: {name: "
         "bag_of_tokens, width: "
         "8}, embedding: 8}\nloss: clip\n";
}

/// A folder with images, texts and captions, and a configuration that trains on some of them.
class SmallRun {
 public:
  explicit SmallRun(const std::string& yaml) {
    std::string captions = "path\tcaption\n", texts,
                vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\npicture\nof\nclass\n";
    for (int c = 0; c < 6; ++c) {
      vocabulary += std::to_string(c) + "\n";
      for (int s = 0; s < 5; ++s) {
        const std::string name = "class" + std::to_string(c) + "/" + std::to_string(s) + ".png";
        write_png(path("grey/" + name), drawn_image(c, s, 24, 20));
        write_png(path("colour/" + name), coloured(c, s));
        captions +=
            "colour/" + name + "\tpicture of class " + std::to_string(c) + " " + std::to_string(s) + "\n";
        texts += "picture of class " + std::to_string(c) + " " + std::to_string(s) + "\tclass" +
                 std::to_string(c) + "\n";
      }
    }
    std::ofstream(path("captions.tsv")) << captions;
    std::ofstream(path("texts.tsv")) << texts;
    std::ofstream(path("vocab.txt")) << vocabulary;
    std::string text = yaml;
    text.replace(text.find("data:\n"), 6, "data:\n  root: " + path("").string() + "\n");
    std::ofstream(config()) << "run_dir: " << run_folder().string() << "\n" << text << kFewSteps;
  }

  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  std::string config() const { return path("run.yaml"); }
  std::filesystem::path run_folder() const { return path("run"); }

 private:
  static Image coloured(int label, int sample) {
    Image image = drawn_image(label, sample, 24, 20, 3);
    for (int y = 0; y < image.height; ++y) image.at(0, y, 0) = 255, image.at(0, y, 1) = image.at(0, y, 2) = 0;
    return image;
  }

  TempFolder folder_;
};

}  // namespace lodestone::testing
