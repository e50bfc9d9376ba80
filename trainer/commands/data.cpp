#include <algorithm>
#include <iostream>

#include "common/choices.h"
#include "common/log.h"
#include "trainer/commands/verb.h"
#include "trainer/data/cldr.h"
#include "trainer/data/emoji.h"
#include "trainer/data/typefaces.h"
#include "trainer/data/wordnet.h"

namespace lodestone::commands {

namespace {

struct DataArguments {
  std::string kind;
  std::string output;
  std::vector<std::string> font_roots;
  std::string source;
};

void make_letters(const DataArguments& arguments, const Log& log) {
  data::TypefacesOptions options;
  options.output = arguments.output;
  if (!arguments.font_roots.empty())
    options.font_roots.assign(arguments.font_roots.begin(), arguments.font_roots.end());
  const data::TypefacesReport report = data::make_typefaces(options, log);
  for (const data::Split split : data::kSplits) {
    const data::SplitReport& part = report.split(split);
    std::cout << data::name_of(split) << ": " << part.instances << " images of " << part.classes
              << " letters (" << part.groups << " distinguishable by eye) in " << part.scripts.size()
              << " scripts and " << part.families.size() << " typeface families\n";
  }
  std::cout << (report.cached ? "nothing to do: " : "made: ") << options.output.string() << std::endl;
}

void make_images(const DataArguments& arguments, const Log& log) {
  data::EmojiOptions options;
  options.output = arguments.output;
  if (!arguments.source.empty()) options.source = arguments.source;
  const data::EmojiReport report = data::make_emoji(options, log);
  for (const data::Split split : data::kSplits) {
    const data::EmojiSplit& part = report.splits[static_cast<size_t>(split)];
    std::cout << data::name_of(split) << ": " << part.images << " images with " << part.captions
              << " captions in " << part.families << " families\n";
  }
  std::cout << "made: " << options.output.string() << std::endl;
}

// WordNet and CLDR: concepts, and the texts that name them.
template <typename Options>
void make_texts(const DataArguments& arguments, const Log& log,
                data::ConceptsReport (*make)(const Options& options, const Log& log)) {
  Options options;
  options.output = arguments.output;
  if (!arguments.source.empty()) options.source = arguments.source;
  const data::ConceptsReport report = make(options, log);
  for (const data::Split split : data::kSplits) {
    const data::ConceptSplit& part = report.splits[static_cast<size_t>(split)];
    std::cout << data::name_of(split) << ": " << part.names << " texts that name " << part.concepts
              << " things\n";
  }
  std::cout << report.left_out << " concepts are left out because they are close to evaluated ones\nmade: "
            << options.output.string() << std::endl;
}

struct DataSetRow {
  const char* name;
  const char* doc;
  void (*make)(const DataArguments& arguments, const Log& log);
};

constexpr DataSetRow kDataSets[] = {
    {.name = "typefaces", .doc = "images of letters", .make = make_letters},
    {.name = "emoji", .doc = "images with captions", .make = make_images},
    {.name = "wordnet",
     .doc = "definitions and words",
     .make = [](const DataArguments& arguments,
                const Log& log) { make_texts(arguments, log, data::make_wordnet); }},
    {.name = "cldr",
     .doc = "names in 21 languages",
     .make = [](const DataArguments& arguments,
                const Log& log) { make_texts(arguments, log, data::make_cldr); }},
};

int run_data(const DataArguments& arguments) {
  std::ranges::find(kDataSets, arguments.kind, &DataSetRow::name)->make(arguments, make_log(0, 1));
  return kDone;
}

}  // namespace

void add_data(CLI::App* data, Action& action) {
  auto arguments = on<DataArguments>(data, action, run_data);
  const std::span<const DataSetRow> data_sets(kDataSets);
  const std::vector<const char*> names = names_of(data_sets);
  data->add_option("kind", arguments->kind, "Data set to build. " + docs_of(data_sets))
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())));
  add_path(data, "--output", arguments->output, "Folder to create for the data set")->required();
  add_path(data, "--fonts", arguments->font_roots,
           "Folders with font files, for typefaces (default: the system's font folders)");
  add_path(data, "--source", arguments->source,
           "Folder with WordNet's data.* files or CLDR's main/ and annotations/, for wordnet, cldr and emoji "
           "(default: the installed package's folder)");
}

}  // namespace lodestone::commands
