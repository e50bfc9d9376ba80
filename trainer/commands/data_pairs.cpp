#include <iostream>

#include "common/counted.h"
#include "common/log.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/verb.h"
#include "trainer/data_view/tuple_list.h"

namespace lodestone::commands {

namespace {

constexpr int64_t kMostTuples = 10'000'000;

int run_data_pairs(const data_view::TupleListOptions& options) {
  const Replacement replacement(options.output);
  const data_view::TupleList list = data_view::write_tuple_list(options);
  replacement.report(*make_log(0, 1));
  std::cout << options.output << ": "
            << (options.triplets
                    ? counted(list.same, "triplet")
                    : counted(list.same + list.different, "pair") + " (" + std::to_string(list.same) +
                          " the same, " + std::to_string(list.different) + " not)")
            << " from " << counted(list.samples, list.texts ? "text" : "image") << " of "
            << counted(list.classes, "class", "classes") << '\n';
  for (const std::string& note : list.notes) std::cout << note << '\n';
  std::cout << "To train on them:\n" << list.configuration << std::flush;
  return kDone;
}

}  // namespace

void add_data_pairs(CLI::App* pairs, Action& action) {
  auto options = on<data_view::TupleListOptions>(pairs, action, run_data_pairs);
  add_path(
      pairs, "path", options->path,
      "Samples with classes, of one split: class folders, a list of images, shards (globs allowed), or a "
      "text file with text and label")
      ->required();
  add_output(pairs, options->output,
             "File for the tuples: *.tsv for images, in their folder or above it; *.jsonl for texts");
  pairs
      ->add_option("--count", options->count,
                   "Number of pairs or triplets (default: 20 per sample, at most 100,000)")
      ->check(CLI::Range(int64_t{1}, kMostTuples));
  pairs->add_flag("--triplets", options->triplets, "Write anchor, positive and negative in place of pairs");
  pairs->add_option("--seed", options->seed, "Seed of the draws")->capture_default_str();
  pairs->add_option("--split", options->split, "Split of a list that has the column split");
  pairs
      ->add_option("--columns", options->columns,
                   "Columns of texts and their classes (default: text or sentence, and label)")
      ->delimiter(',');
}

}  // namespace lodestone::commands
