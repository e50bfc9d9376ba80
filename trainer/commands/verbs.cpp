#include <map>

#include "trainer/commands/verb.h"

namespace lodestone {

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
void add_data(CLI::App* command, Action& action);
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
    {"train", "Train an encoder; under mpirun or srun, on all ranks", add_train},
    {"launch",
     "Start a command on several ranks, by mpirun, and start it again from its newest checkpoint when a rank "
     "is lost",
     add_launch},
    {"evaluate", "Judge a trained encoder on classes it has never seen", add_evaluate},
    {"embed", "Embed a data set into a file; under mpirun, on all ranks; begun again, it goes on", add_embed},
    {"search", "Find the nearest rows of a gallery to pictures, texts or embeddings", add_search},
    {"index", "Make an approximate index of a large gallery, and say how much it finds", add_index},
    {"gallery add", "Add photographs; makes the file where there is none", add_gallery_add},
    {"gallery remove", "Remove an identity, or one photograph of it", add_gallery_remove},
    {"gallery list", "Who is in it, and with how many photographs", add_gallery_list},
    {"identify", "Who is it? The likest identity of a gallery, or \"unknown\"", add_identify},
    {"mine", "Find hard negatives with a trained encoder and write them as triplets or pairs to train on",
     add_mine},
    {"serve", "Embed, compare and search over HTTP, with a page for people", add_serve},
    {"export", "Write a trained encoder for use elsewhere, with a model card", add_export},
    {"verify-gradients", "Compare loss, gradients and mined tuples with one process", add_verify_gradients},
    {"config", "Print the resolved configuration, every key, or its JSON Schema", add_config},
    {"data", "Make a data set from the distribution's packages", add_data},
    {"bench loader",
     "Reading, decoding and transforming in the loader: pictures per second and core, beside a bare loop",
     add_bench_loader},
    {"bench loss", "Loss and gradient over a global batch: time, memory, bytes sent, and the floor",
     add_bench_loss},
    {"bench collectives",
     "What ranks exchange: time, bytes and bandwidth by verb and size, on the ranks it is started with",
     add_bench_collectives},
    {"bench step",
     "Whole training steps of a configuration on batches in memory: samples per second, seconds by phase",
     add_bench_step},
    {"bench checkpoint",
     "Saving weights and moments: what a step waits, beside one memcpy, and the whole, beside a raw write",
     add_bench_checkpoint},
    {"tokenizer train", "Make a vocabulary out of text", add_tokenizer_train},
    {"tokenizer encode", "Print the ids of texts, a line for each", add_tokenizer_encode},
    {"inspect", "Print a checkpoint and verify every byte of it", add_inspect},
    {"plan",
     "Memory, bytes and time of a configuration on ranks that there need not be: measured in small, then "
     "modelled",
     add_plan},
    {"doctor", "What this host can do and what is missing; under mpirun or srun, what lies between ranks too",
     add_doctor},
};

struct Group {
  const char* name;
  const char* doc;
};
constexpr Group kGroups[] = {
    {"gallery", "Keep identities with their photographs in one file"},
    {"bench", "Time the parts that decide how fast training is"},
    {"tokenizer", "Make a vocabulary for texts, or look at what one makes of them"},
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
  std::map<std::string, CLI::App*> groups;
  for (const Verb& verb : kVerbs) {
    const std::string name = verb.name;
    const size_t space = name.find(' ');
    CLI::App* parent = space == std::string::npos ? &app : group_of(app, name.substr(0, space), groups);
    verb.add(parent->add_subcommand(name.substr(space + 1), verb.doc), action);
  }
}

}  // namespace lodestone
