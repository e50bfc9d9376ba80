#include <array>
#include <iostream>

#include "common/counted.h"
#include "common/output_file.h"
#include "common/text_format.h"
#include "trainer/commands/choice_option.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/shared_options.h"
#include "trainer/search/approximate_index.h"

namespace lodestone::commands {

namespace {

struct IndexArguments {
  std::string gallery;
  search::IndexKind kind = search::IndexKind::kHnsw;
  std::string output;
};

constexpr int64_t kRecallDepth = 10, kRecallSamples = 500;

int run_index(const IndexArguments& arguments) {
  const search::Embeddings gallery = search::read_embeddings(arguments.gallery);
  const search::ApproximateIndex index = search::ApproximateIndex::build(gallery, arguments.kind);
  const Replacement replacement(arguments.output);
  index.write(behind_links(arguments.output));
  replacement.report(*make_log(0, 1));
  const std::array<int64_t, 2> efforts = {index.default_effort(), 4 * index.default_effort()};
  const std::vector<double> recalls =
      search::recalls_of(index, gallery, kRecallDepth, kRecallSamples, efforts);
  std::cout << arguments.output << ": " << choice_name(arguments.kind, search::kIndexKinds) << " of "
            << counted(gallery.size(), "row") << "\neffort\trecall_at_" << kRecallDepth << "\n";
  for (size_t e = 0; e < efforts.size(); ++e)
    std::cout << efforts[e] << '\t' << decimal(100 * recalls[e], 1) << " %\n";
  std::cout << std::flush;
  return kDone;
}

}  // namespace

void add_index(CLI::App* index, Action& action) {
  auto arguments = on<IndexArguments>(index, action, run_index);
  add_old_spelling(index, "gallery", "--gallery");
  add_gallery(index, arguments->gallery, kSearchedDoc)->check(CLI::ExistingFile);
  add_defaulted_choice(
      index, "--kind", arguments->kind, search::kIndexKinds,
      "Kind of index. hnsw: a neighbour graph; ivf-pq: rows compressed to D/4 bytes each, for "
      "galleries that barely fit in memory");
  add_output(index, arguments->output, "File for the index");
}

}  // namespace lodestone::commands
