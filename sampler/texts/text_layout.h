#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/fields.h"
#include "sampler/other_columns.h"

namespace lodestone::sampler {

/// What a row of a text file holds.
enum class TextFormat {
  kTexts,   ///< one or more texts without a class
  kLabels,  ///< a text and its class
  /// two texts that belong together; with a third column, they do (1), do not (0), or have a degree of
  /// similarity
  kPairs,
  kTriplets,  ///< anchor, positive, negative
  kQueries,   ///< query, positive, and any number of negatives
  kCaptions,  ///< a caption and the path of its image; data.kind: image_texts implies it
};
inline constexpr Choice<TextFormat> kTextFormats[] = {{"texts", TextFormat::kTexts},
                                                      {"labels", TextFormat::kLabels},
                                                      {"pairs", TextFormat::kPairs},
                                                      {"triplets", TextFormat::kTriplets},
                                                      {"queries", TextFormat::kQueries}};
std::string name_of(TextFormat format);

/// The columns of a text file.
struct TextLayout {
  TextFormat format = TextFormat::kLabels;
  std::vector<std::string> columns;
  OtherColumns other_columns = OtherColumns::kRefuse;
  /// Not a setting: whether a column that means something (has_role) is refused even under kIgnore. Stored
  /// runs that do not say what they do about other columns refused these alone.
  bool refuse_roles = false;
  AutoYesNo header = AutoYesNo::kAuto;
  std::optional<int64_t> negatives;
  std::optional<double> same_from;
  bool multiline = false;

  void visit(Fields& f);
};

}  // namespace lodestone::sampler
