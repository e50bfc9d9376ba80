#include <iostream>

#include "common/log.h"
#include "trainer/commands/verb.h"
#include "trainer/data/cldr.h"
#include "trainer/data/emoji.h"
#include "trainer/data/typefaces.h"
#include "trainer/data/wordnet.h"

namespace lodestone::commands {

namespace {

struct DataArguments {
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

void add_source(CLI::App* command, DataArguments& arguments, const std::string& doc) {
  add_path(command, "--source", arguments.source, doc + " (default: the installed package's folder)");
}

// Declares a verb that makes one data set.
std::shared_ptr<DataArguments> add_data_set(CLI::App* command, Action& action,
                                            void (*make)(const DataArguments& arguments, const Log& log)) {
  auto arguments = on<DataArguments>(command, action, [make](const DataArguments& given) {
    make(given, make_log(0, 1));
    return kDone;
  });
  add_path(command, "--output", arguments->output, "Folder to create for the data set")->required();
  return arguments;
}

}  // namespace

void add_data_typefaces(CLI::App* command, Action& action) {
  const auto arguments = add_data_set(command, action, make_letters);
  add_path(command, "--fonts", arguments->font_roots,
           "Folders with font files (default: the system's font folders)");
}

void add_data_emoji(CLI::App* command, Action& action) {
  add_source(command, *add_data_set(command, action, make_images),
             "Folder with CLDR's main/ and annotations/");
}

void add_data_wordnet(CLI::App* command, Action& action) {
  const auto make = [](const DataArguments& arguments, const Log& log) {
    make_texts(arguments, log, data::make_wordnet);
  };
  add_source(command, *add_data_set(command, action, make), "Folder with WordNet's data.* files");
}

void add_data_cldr(CLI::App* command, Action& action) {
  const auto make = [](const DataArguments& arguments, const Log& log) {
    make_texts(arguments, log, data::make_cldr);
  };
  add_source(command, *add_data_set(command, action, make), "Folder with CLDR's main/ and annotations/");
}

}  // namespace lodestone::commands
