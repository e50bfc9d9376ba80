#include <array>
#include <iostream>

#include "trainer/commands/command.h"
#include "trainer/eval/text.h"
#include "trainer/search/approximate_index.h"

namespace lodestone {

namespace {

constexpr int64_t kRecallDepth = 10, kRecallSamples = 500;

}  // namespace

int run_index(const IndexArguments& arguments) {
  const Embeddings gallery = read_embeddings(arguments.gallery);
  const ApproximateIndex index = ApproximateIndex::build(gallery, index_kind_of(arguments.kind));
  index.write(arguments.output);
  const std::array<int64_t, 2> efforts = {index.default_effort(), 4 * index.default_effort()};
  const std::vector<double> recalls = recalls_of(index, gallery, kRecallDepth, kRecallSamples, efforts);
  std::cout << arguments.output << ": " << arguments.kind << " of " << gallery.size()
            << " rows\neffort\trecall_at_" << kRecallDepth << "\n";
  for (size_t e = 0; e < efforts.size(); ++e)
    std::cout << efforts[e] << '\t' << decimal(100 * recalls[e], 1) << " %\n";
  std::cout << std::flush;
  return kDone;
}

}  // namespace lodestone
