#include <array>
#include <iostream>

#include "common/counted.h"
#include "common/text_format.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/verb.h"
#include "trainer/search/approximate_index.h"

namespace lodestone {

namespace {

struct IndexArguments {
  std::string gallery;
  std::string kind = "hnsw";
  std::string output;
};

constexpr int64_t kRecallDepth = 10, kRecallSamples = 500;

int run_index(const IndexArguments& arguments) {
  const Embeddings gallery = read_embeddings(arguments.gallery);
  const ApproximateIndex index = ApproximateIndex::build(gallery, index_kind_of(arguments.kind));
  tell_replaced(arguments.output, *make_log(0, 1));
  index.write(arguments.output);
  const std::array<int64_t, 2> efforts = {index.default_effort(), 4 * index.default_effort()};
  const std::vector<double> recalls = recalls_of(index, gallery, kRecallDepth, kRecallSamples, efforts);
  std::cout << arguments.output << ": " << arguments.kind << " of " << counted(gallery.size(), "row")
            << "\neffort\trecall_at_" << kRecallDepth << "\n";
  for (size_t e = 0; e < efforts.size(); ++e)
    std::cout << efforts[e] << '\t' << decimal(100 * recalls[e], 1) << " %\n";
  std::cout << std::flush;
  return kDone;
}

}  // namespace

void add_index(CLI::App* index, Action& action) {
  auto arguments = on<IndexArguments>(index, action, run_index);
  add_path(index, "gallery", arguments->gallery,
           "Embeddings to index, as `lodestone embed` or `lodestone gallery` writes them (*.safetensors)")
      ->required()
      ->check(CLI::ExistingFile);
  index
      ->add_option("--kind", arguments->kind,
                   "Kind of index. hnsw: a neighbour graph; ivf-pq: rows compressed to D/4 bytes each, for "
                   "galleries that barely fit in memory")
      ->check(CLI::IsMember({"hnsw", "ivf-pq"}))
      ->capture_default_str();
  add_output(index, arguments->output, "File for the index");
}

}  // namespace lodestone
