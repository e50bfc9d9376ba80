#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/fields.h"
#include "sampler/dataset.h"

namespace lodestone::sampler {

/// What a part of a data set is a part of.
enum class PartOf { kClasses, kSamples };

/// A part of a data set, by a hash: every class (or sample) has a number in [0, 1) that depends on its name
/// alone, and the part has those with from <= number < to. So two parts that do not overlap share no class,
/// together they have all, and new classes do not move old ones.
///
///     const DataPart train{.to = 0.8}, held_out{.from = 0.8};  // YAML: part: {to: 0.8}, part: {from: 0.8}
///     const bool apart = train.has("Ada") != held_out.has("Ada");  // true, as for every name
///
/// Classes   of images: look-alikes (one group) are on one side. Of texts: the label. Images with captions:
///           the image. Other rows of texts: those that share texts (TextComponents). Tuples: TuplePart.
/// Samples   images: the key. Texts: the text, so that equal texts are on one side; of a row the first one.
struct DataPart {
  PartOf of = PartOf::kClasses;
  double from = 0, to = 1;

  bool is_whole() const { return from <= 0 && to >= 1; }
  bool has(double number) const { return from <= number && number < to; }
  bool has(std::string_view name) const;
  void visit(Fields& f);
};

/// The number of a class or a text, in [0, 1): its XXH3 (64 bit).
double part_number(std::string_view name);

/// The number of a sample whose id is a hash.
double part_number(uint64_t id);

/// The number of each class: that of the first name in its group.
std::vector<double> class_numbers(const Dataset& data);

/// The samples of `images` that are in the part; classes without samples are left out.
/// Cost      O(samples + classes); memory 12 bytes per sample of the part
/// Throws    DataError if none is
std::shared_ptr<const ImageDataset> part_of_images(std::shared_ptr<const ImageDataset> images,
                                                   const DataPart& part);

}  // namespace lodestone::sampler
