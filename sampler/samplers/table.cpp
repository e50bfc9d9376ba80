#include "sampler/samplers/sampler_factory.h"

namespace lodestone::sampler {

std::unique_ptr<SamplerFactory> make_pk();
std::unique_ptr<SamplerFactory> make_shuffle();
std::unique_ptr<SamplerFactory> make_two_views();
std::unique_ptr<SamplerFactory> make_no_duplicates();
std::unique_ptr<SamplerFactory> make_hard_class();

std::span<const TableRow<SamplerFactory>> sampler_table() {
  static constexpr TableRow<SamplerFactory> kRows[] = {
      {"pk", "P classes with K samples each", make_pk},
      {"shuffle", "every sample once", make_shuffle},
      {"two_views", "every sample twice, augmented differently", make_two_views},
      {"no_duplicates", "every sample once, no two of one id in a batch", make_no_duplicates},
      {"hard_class", "like pk, of classes that lie close together", make_hard_class},
  };
  return kRows;
}

}  // namespace lodestone::sampler
