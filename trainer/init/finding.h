#pragma once

#include <string>
#include <vector>

#include "sampler/sources/image_source.h"
#include "sampler/texts/text_layout.h"

namespace lodestone::init {

/// What data are, and so which questions a configuration has to answer.
enum class Content {
  kImages,       ///< images of classes
  kImageTuples,  ///< explicit pairs or triplets of images
  kCaptions,     ///< images with captions
  kTexts,        ///< texts of classes, or rows of texts that belong together
};

/// What lies at a path: how it is read, and what was guessed about it.
struct Finding {
  std::string what;  ///< for people: "a folder of class folders"
  Content content = Content::kImages;
  sampler::ImageSourceConfig train;
  /// Data for evaluation that are there already; empty if there are none.
  sampler::ImageSourceConfig evaluate;
  std::string tuples;    ///< the list of kImageTuples; `train` has no path then, but a part
  std::string labelled;  ///< the class folders around that list, of which some can be held out; "" if none
  /// Texts and captions. Of training; an evaluation reads the same columns.
  sampler::TextLayout text;
  /// Sentences: what was guessed, and how to change it.
  std::vector<std::string> guesses;
  /// Sentences: what is there too and is not used.
  std::vector<std::string> others;
};

}  // namespace lodestone::init
