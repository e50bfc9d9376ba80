#include <map>

#include "trainer/commands/verb.h"

namespace lodestone::commands {

void add_init(CLI::App* command, Action& action);
void add_train(CLI::App* command, Action& action);
void add_launch(CLI::App* command, Action& action);
void add_evaluate(CLI::App* command, Action& action);
void add_embed(CLI::App* command, Action& action);
void add_search(CLI::App* command, Action& action);
void add_index(CLI::App* command, Action& action);
void add_gallery_add(CLI::App* command, Action& action);
void add_gallery_remove(CLI::App* command, Action& action);
void add_gallery_list(CLI::App* command, Action& action);
void add_identify(CLI::App* command, Action& action);
void add_mine(CLI::App* command, Action& action);
void add_serve(CLI::App* command, Action& action);
void add_export(CLI::App* command, Action& action);
void add_verify_gradients(CLI::App* command, Action& action);
void add_config(CLI::App* command, Action& action);
void add_data_show(CLI::App* command, Action& action);
void add_data_pairs(CLI::App* command, Action& action);
void add_data_typefaces(CLI::App* command, Action& action);
void add_data_emoji(CLI::App* command, Action& action);
void add_data_wordnet(CLI::App* command, Action& action);
void add_data_cldr(CLI::App* command, Action& action);
void add_bench_loader(CLI::App* command, Action& action);
void add_bench_loss(CLI::App* command, Action& action);
void add_bench_collectives(CLI::App* command, Action& action);
void add_bench_step(CLI::App* command, Action& action);
void add_bench_checkpoint(CLI::App* command, Action& action);
void add_tokenizer_train(CLI::App* command, Action& action);
void add_tokenizer_encode(CLI::App* command, Action& action);
void add_inspect(CLI::App* command, Action& action);
void add_plan(CLI::App* command, Action& action);
void add_doctor(CLI::App* command, Action& action);

namespace {

constexpr Verb kVerbs[] = {
    {"init", "Look at a data set and write a commented configuration that trains on it", add_init},
    {"train", "Train an encoder; under mpirun or srun, on all ranks", add_train},
    {"launch",
     "Run a command on several ranks with mpirun; restart it from its newest checkpoint if a rank fails",
     add_launch},
    {"evaluate", "Evaluate a trained encoder on classes that it was not trained on", add_evaluate},
    {"embed",
     "Embed a data set into a file; under mpirun, on all ranks. Repeat it to continue an interrupted one",
     add_embed},
    {"search", "Find the rows of a gallery that are nearest to images, texts or embeddings", add_search},
    {"index", "Build an approximate index of a large gallery and measure its recall", add_index},
    {"gallery add", "Add photographs to a gallery; creates the file if it does not exist", add_gallery_add},
    {"gallery remove", "Remove an identity, or one photograph of it, from a gallery", add_gallery_remove},
    {"gallery list", "List the identities of a gallery and how many photographs each has", add_gallery_list},
    {"identify", "Identify an image: the closest identity in the gallery, or \"unknown\"", add_identify},
    {"mine", "Find hard negatives with a trained encoder and write them as triplets or pairs for training",
     add_mine},
    {"serve", "Serve embedding, comparison and search over HTTP, with a web page", add_serve},
    {"export", "Export a trained encoder for use elsewhere, with a model card", add_export},
    {"verify-gradients",
     "Compare loss, gradients and mined tuples of these ranks with those of a single process",
     add_verify_gradients},
    {"config", "Print the resolved configuration, the reference of all keys, or the JSON Schema", add_config},
    {"data show",
     "Show what training and evaluation data of a configuration hold: counts, sizes, duplicates, samples",
     add_data_show},
    {"data pairs", "Make explicit pairs or triplets from samples with classes", add_data_pairs},
    {"data typefaces", "Make images of letters from the installed fonts", add_data_typefaces},
    {"data emoji", "Make images with captions from the installed emoji font and CLDR", add_data_emoji},
    {"data wordnet", "Make definitions and words from the installed WordNet", add_data_wordnet},
    {"data cldr", "Make names in 21 languages from the installed CLDR", add_data_cldr},
    {"bench loader",
     "Measure the loader: images per second and core, compared with a bare loop of the same work",
     add_bench_loader},
    {"bench loss",
     "Measure loss and gradient over a global batch: time and its lower bound, memory, bytes sent",
     add_bench_loss},
    {"bench collectives",
     "Measure collectives between these ranks: time, bytes and bandwidth by collective and size",
     add_bench_collectives},
    {"bench step",
     "Measure whole training steps on batches in memory: samples per second, and seconds by phase",
     add_bench_step},
    {"bench checkpoint",
     "Measure checkpoint saves: how long a step waits, compared with one memcpy, and the whole save, "
     "compared with a raw write",
     add_bench_checkpoint},
    {"tokenizer train", "Train a vocabulary on text files", add_tokenizer_train},
    {"tokenizer encode", "Print the token ids of texts, one line per text", add_tokenizer_encode},
    {"inspect", "Print a checkpoint and verify every byte of it", add_inspect},
    {"plan",
     "Predict memory, traffic and step time for a cluster you do not have, from a small local measurement",
     add_plan},
    {"doctor",
     "Check what this host supports and what is missing; under mpirun or srun, also test the connections",
     add_doctor},
};

/// Help without earlier spellings: CLI11 leaves hidden options out of its lists, but not out of the line of
/// usage.
class Help : public CLI::Formatter {
  std::string make_option_usage(const CLI::Option* option) const override {
    return option->get_group().empty() ? "" : CLI::Formatter::make_option_usage(option);
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    // CLI11 joins the names with blanks, also where one is empty.
    while (usage.ends_with(" \n")) usage.erase(usage.size() - 2, 1);
    return usage;
  }
};

struct Group {
  const char* name;
  const char* doc;
};
constexpr Group kGroups[] = {
    {"gallery", "Manage a file of identities and their photographs"},
    {"data", "Look at data, make explicit pairs, or build a data set from the distribution's packages"},
    {"bench", "Measure the parts that determine training speed"},
    {"tokenizer", "Train a vocabulary for texts, or show how it splits them"},
};

// Made when the first of its verbs comes, so that help lists verbs and groups in the order of the table.
CLI::App* group_of(CLI::App& app, const std::string& name, std::map<std::string, CLI::App*>& made) {
  for (const Group& group : kGroups)
    if (name == group.name && !made.contains(name)) {
      made[name] = app.add_subcommand(group.name, group.doc);
      made[name]->require_subcommand(1);
    }
  return made.at(name);
}

}  // namespace

void add_verbs(CLI::App& app, Action& action) {
  app.formatter(std::make_shared<Help>());
  std::map<std::string, CLI::App*> groups;
  for (const Verb& verb : kVerbs) {
    const std::string name = verb.name;
    const size_t space = name.find(' ');
    CLI::App* parent = space == std::string::npos ? &app : group_of(app, name.substr(0, space), groups);
    verb.add(parent->add_subcommand(name.substr(space + 1), verb.doc), action);
  }
}

}  // namespace lodestone::commands
