#include "trainer/commands/options.h"

namespace lodestone {

namespace {

void add_embed(CLI::App& app, Action& action) {
  auto* embed = app.add_subcommand(
      "embed", "Embed a data set into a file; under mpirun, on all ranks; begun again, it goes on");
  auto arguments = on<EmbedArguments>(embed, action, run_embed);
  add_path(embed, "run", arguments->run, "run folder or checkpoint")->required();
  add_path(embed, "--input", arguments->input,
           "a picture, a folder, a list, shards or a file of texts (default: evaluate.data)");
  add_path(embed, "--output", arguments->output, "*.safetensors, *.npy or *.jsonl")->required();
  add_set(embed, arguments->assignments);
  add_allow_code(embed, arguments->allow_code);
}

void add_search(CLI::App& app, Action& action) {
  auto* search =
      app.add_subcommand("search", "Find the nearest rows of a gallery to pictures, texts or embeddings");
  auto arguments = on<SearchArguments>(search, action, run_search);
  add_path(search, "--gallery", arguments->gallery,
           "what `lodestone embed` or `lodestone gallery` wrote: *.safetensors")
      ->required()
      ->check(CLI::ExistingFile);
  search
      ->add_option("--query", arguments->query,
                   "a picture, a folder, a file of texts or of embeddings, or a text itself")
      ->required();
  add_path(search, "--checkpoint", arguments->run,
           "run folder or checkpoint that embeds the query and says \"same\" or not");
  search->add_option("-k", arguments->k, "answers to each query")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  add_path(search, "--json", arguments->json, "write the answers to this file");
  add_path(search, "--html", arguments->html, "write a page that shows the answers to this file");
  add_path(search, "--pictures", arguments->pictures,
           "with --html: a folder whose pictures the page may show, beside those of the query and below the "
           "gallery's file")
      ->needs("--html")
      ->allow_extra_args(false);
  add_path(search, "--index", arguments->index,
           "what `lodestone index` made of the gallery: fast and approximate (default: exact)")
      ->check(CLI::ExistingFile);
  search
      ->add_option("--effort", arguments->effort,
                   "with --index: how much is looked through for a query (default: by its kind)")
      ->check(CLI::Range(1, 1 << 20))
      ->needs("--index");
  add_set(search, arguments->assignments);
  add_allow_code(search, arguments->allow_code);
}

void add_index(CLI::App& app, Action& action) {
  auto* index =
      app.add_subcommand("index", "Make an approximate index of a large gallery, and say how much it finds");
  auto arguments = on<IndexArguments>(index, action, run_index);
  add_path(index, "gallery", arguments->gallery,
           "what `lodestone embed` or `lodestone gallery` wrote: *.safetensors")
      ->required()
      ->check(CLI::ExistingFile);
  index
      ->add_option("--kind", arguments->kind,
                   "hnsw: a graph; ivf-pq: rows told in D/4 bytes, for galleries that memory hardly holds")
      ->check(CLI::IsMember({"hnsw", "ivf-pq"}))
      ->capture_default_str();
  add_path(index, "--output", arguments->output, "file to write")->required();
}

void add_gallery(CLI::App& app, Action& action) {
  auto* gallery = app.add_subcommand("gallery", "Keep identities with their photographs in one file");
  gallery->require_subcommand(1);
  auto* add = gallery->add_subcommand("add", "Add photographs; makes the file where there is none");
  auto added = on<GalleryAddArguments>(add, action, run_gallery_add);
  add_path(add, "gallery", added->gallery, "the file: *.safetensors")->required();
  add_path(add, "inputs", added->inputs, "pictures and folders")->required();
  add_path(add, "--checkpoint", added->run, "run folder or checkpoint")->required();
  add->add_option("--name", added->name, "whom they show (default: the name of each picture's class folder)");
  add_set(add, added->assignments);
  add_allow_code(add, added->allow_code);

  auto* remove = gallery->add_subcommand("remove", "Remove an identity, or one photograph of it");
  auto removed = on<GalleryRemoveArguments>(remove, action, run_gallery_remove);
  add_path(remove, "gallery", removed->gallery, "the file")->required();
  remove->add_option("--name", removed->name, "the identity")->required();
  add_path(remove, "--photograph", removed->photograph, "its id alone, as it was added: an absolute path");

  auto* list = gallery->add_subcommand("list", "Who is in it, and with how many photographs");
  auto listed = on<GalleryListArguments>(list, action, run_gallery_list);
  add_path(list, "gallery", listed->gallery, "the file")->required();
  list->add_flag("--json", listed->json, "as JSON");
}

void add_identify(CLI::App& app, Action& action) {
  auto* identify =
      app.add_subcommand("identify", "Who is it? The likest identity of a gallery, or \"unknown\"");
  auto arguments = on<IdentifyArguments>(identify, action, run_identify);
  add_path(identify, "--gallery", arguments->gallery, "the file")->required()->check(CLI::ExistingFile);
  add_path(identify, "--image", arguments->image, "a picture, or a folder of them")
      ->required()
      ->check(CLI::ExistingPath);
  add_path(identify, "--checkpoint", arguments->run, "run folder or checkpoint")->required();
  identify->add_option("--threshold", arguments->threshold,
                       "score from which it is the same (default: the calibrated one)");
  identify->add_option("-k", arguments->k, "candidates in the JSON")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_path(identify, "--json", arguments->json, "write answers and candidates to this file");
  add_set(identify, arguments->assignments);
  add_allow_code(identify, arguments->allow_code);
}

void add_mine(CLI::App& app, Action& action) {
  auto* mine = app.add_subcommand(
      "mine", "Find hard negatives with a trained encoder and write them as triplets or pairs to train on");
  auto arguments = on<MineArguments>(mine, action, run_mine);
  add_path(mine, "run", arguments->run, "run folder or checkpoint")->required();
  add_path(mine, "--input", arguments->input,
           "what `lodestone embed` takes, with labels (default: evaluate.data)");
  add_path(mine, "--output", arguments->output,
           "*.tsv in the folder of the pictures or above it; *.jsonl for texts")
      ->required();
  mine->add_option("--format", arguments->format, "what a line is: triplets, or pairs with 1 (same) or 0")
      ->check(CLI::IsMember({"triplets", "pairs"}))
      ->capture_default_str();
  mine->add_option("--per-anchor", arguments->per_anchor, "negatives of each anchor")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  mine->add_option("--margin", arguments->margin, "a negative counts from the positive's cosine less this")
      ->check(CLI::Range(0.0, 2.0))
      ->capture_default_str();
  mine->add_option("--max-score", arguments->max_score, "a nearer negative is taken for a wrong label")
      ->check(CLI::Range(-1.0, 1.0))
      ->capture_default_str();
  add_set(mine, arguments->assignments);
  add_allow_code(mine, arguments->allow_code);
}

void add_serve(CLI::App& app, Action& action) {
  auto* serve = app.add_subcommand("serve", "Embed, compare and search over HTTP, with a page for people");
  auto arguments = on<ServeArguments>(serve, action, run_serve);
  add_path(serve, "run", arguments->run, "run folder or checkpoint")->required();
  add_path(serve, "--gallery", arguments->gallery, "what is searched: *.safetensors of this model")
      ->check(CLI::ExistingFile);
  serve
      ->add_option("--address", arguments->address,
                   "where to listen; others than this host's own need --token-file")
      ->capture_default_str();
  serve->add_option("--port", arguments->port, "0: any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  add_path(serve, "--token-file", arguments->token_file, "its first line is the token that clients must show")
      ->check(CLI::ExistingFile);
  add_path(serve, "--certificate", arguments->certificate,
           "PEM file with private key and certificate chain: HTTPS instead of HTTP")
      ->check(CLI::ExistingFile);
  serve->add_option("--batch-rows", arguments->batch_rows, "pictures or texts in a forward at most")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  serve
      ->add_option("--waiting-rows", arguments->waiting_rows,
                   "that wait for a forward at most; beyond, requests are answered 429")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  serve
      ->add_option("--max-requests", arguments->max_requests,
                   "under way at once; beyond, they are answered 503")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  serve->add_option("--max-body-mib", arguments->max_body_mib, "of a request")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  serve
      ->add_option("--max-per-address", arguments->max_per_address,
                   "connections of one client's address; 0: 32 more than --max-requests")
      ->check(CLI::Range(0, 1 << 16))
      ->capture_default_str();
  serve->add_option("--max-pixels", arguments->max_pixels, "of a picture; larger ones are answered 400")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->capture_default_str();
  serve->add_option("--max-request-pixels", arguments->max_request_pixels, "of all pictures of a request")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 36))
      ->capture_default_str();
  serve
      ->add_option(
          "--max-decoded-mib", arguments->max_decoded_mib,
          "memory for decoding pictures, of all requests at once; beyond, they wait and are answered 429")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  serve
      ->add_option(
          "--timeout", arguments->timeout,
          "seconds for a client to send its request, and for pictures to be decoded and a forward to come")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  add_set(serve, arguments->assignments);
  add_allow_code(serve, arguments->allow_code);
}

void add_export(CLI::App& app, Action& action) {
  auto* out = app.add_subcommand("export", "Write a trained encoder for use elsewhere, with a model card");
  auto arguments = on<ExportArguments>(out, action, run_export);
  add_path(out, "run", arguments->run, "run folder or checkpoint")->required();
  add_allow_code(out, arguments->allow_code);
  out->add_option("--format", arguments->format,
                  "safetensors: weights by name; torchscript: weights and network, for torch.jit.load and "
                  "torch::jit::load")
      ->required()
      ->check(CLI::IsMember({"safetensors", "torchscript"}));
  add_path(out, "--output", arguments->output, "file to write")->required();
  add_path(out, "--card", arguments->card,
           "file for the model card (default: the output's name, ending in .md)");
  add_path(out, "--measures", arguments->measures,
           "what `evaluate --json` wrote, for the card (default: the run's last evaluation)")
      ->check(CLI::ExistingFile);
  out->add_option("--license", arguments->license, "the model's, for the card: apache-2.0, say");
  out->add_option("--data-license", arguments->data_license, "the training data's, for the card");
}

}  // namespace

void add_use_commands(CLI::App& app, Action& action) {
  add_embed(app, action);
  add_search(app, action);
  add_index(app, action);
  add_gallery(app, action);
  add_identify(app, action);
  add_mine(app, action);
  add_serve(app, action);
  add_export(app, action);
}

}  // namespace lodestone
