#pragma once

#include "common/fields.h"

namespace lodestone::sampler {

/// What to do about columns of a table, or keys of its rows, that nothing reads.
enum class OtherColumns { kRefuse, kIgnore };
inline constexpr Choice<OtherColumns> kOtherColumns[] = {{"refuse", OtherColumns::kRefuse},
                                                         {"ignore", OtherColumns::kIgnore}};

}  // namespace lodestone::sampler
