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
  const ApproximateIndex written = ApproximateIndex::read(arguments.output, gallery);
  std::cout << arguments.output << ": " << arguments.kind << " of " << gallery.size() << " rows\neffort\trecall_at_" << kRecallDepth
            << "\n";
  for (const int64_t factor : {1, 4}) {
    const int64_t effort = factor * written.default_effort();
    const double recall = recall_of(written, gallery, kRecallDepth, kRecallSamples, effort);
    std::cout << effort << '\t' << decimal(100 * recall, 1) << " %\n";
  }
  std::cout << std::flush;
  return kDone;
}

}  // namespace lodestone
