#include <iostream>

#include "common/log.h"
#include "trainer/commands/verb.h"
#include "trainer/data/cldr.h"
#include "trainer/data/emoji.h"
#include "trainer/data/typefaces.h"
#include "trainer/data/wordnet.h"

namespace lodestone {

namespace {

struct DataArguments {
  std::string kind;
  std::string output;
  std::vector<std::string> font_roots;
  std::string source;
};

void make_letters(const DataArguments& arguments, const Log& log) {
  TypefacesOptions options;
  options.output = arguments.output;
  if (!arguments.font_roots.empty())
    options.font_roots.assign(arguments.font_roots.begin(), arguments.font_roots.end());
  const TypefacesReport report = make_typefaces(options, log);
  for (const Split split : kSplits) {
    const SplitReport& part = report.split(split);
    std::cout << name_of(split) << ": " << part.instances << " pictures of " << part.classes << " letters ("
              << part.groups << " told apart by eye) in " << part.scripts.size() << " scripts and "
              << part.families.size() << " typeface families\n";
  }
  std::cout << (report.cached ? "nothing to do: " : "made: ") << options.output.string() << std::endl;
}

void make_pictures(const DataArguments& arguments, const Log& log) {
  EmojiOptions options;
  options.output = arguments.output;
  if (!arguments.source.empty()) options.source = arguments.source;
  const EmojiReport report = make_emoji(options, log);
  for (const Split split : kSplits) {
    const EmojiSplit& part = report.splits[static_cast<size_t>(split)];
    std::cout << name_of(split) << ": " << part.pictures << " pictures with " << part.captions
              << " captions in " << part.families << " families\n";
  }
  std::cout << "made: " << options.output.string() << std::endl;
}

// WordNet and CLDR: concepts, and the texts that name them.
template <typename Options>
void make_texts(const DataArguments& arguments, const Log& log,
                ConceptsReport (*make)(const Options& options, const Log& log)) {
  Options options;
  options.output = arguments.output;
  if (!arguments.source.empty()) options.source = arguments.source;
  const ConceptsReport report = make(options, log);
  for (const Split split : kSplits) {
    const ConceptSplit& part = report.splits[static_cast<size_t>(split)];
    std::cout << name_of(split) << ": " << part.names << " texts that name " << part.concepts << " things\n";
  }
  std::cout << report.left_out
            << " things are left out, being close to judged ones\nmade: " << options.output.string()
            << std::endl;
}

int run_data(const DataArguments& arguments) {
  const Log log = make_log(0, 1);
  if (arguments.kind == "typefaces") make_letters(arguments, log);
  if (arguments.kind == "emoji") make_pictures(arguments, log);
  if (arguments.kind == "wordnet") make_texts(arguments, log, make_wordnet);
  if (arguments.kind == "cldr") make_texts(arguments, log, make_cldr);
  return kDone;
}

}  // namespace

void add_data(CLI::App* data, Action& action) {
  auto arguments = on<DataArguments>(data, action, run_data);
  data->add_option("kind", arguments->kind,
                   "Data set to build. typefaces: images of letters; emoji: images with captions; wordnet: "
                   "definitions and words; cldr: names in 21 languages")
      ->required()
      ->check(CLI::IsMember({"typefaces", "emoji", "wordnet", "cldr"}));
  add_path(data, "--output", arguments->output, "Folder to create for the data set")->required();
  add_path(data, "--fonts", arguments->font_roots,
           "Folders with font files, for typefaces (default: the system's font folders)");
  add_path(data, "--source", arguments->source,
           "Folder with WordNet's data.* files or CLDR's main/ and annotations/, for wordnet, cldr and emoji "
           "(default: the installed package's folder)");
}

}  // namespace lodestone
