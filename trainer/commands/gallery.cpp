#include "trainer/search/gallery.h"

#include <iostream>

#include <ATen/ops/cat.h>
#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "common/paths.h"
#include "common/printable.h"
#include "sampler/codecs/thumbnail.h"
#include "trainer/commands/next_step.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/trained_model.h"

namespace lodestone::commands {

namespace {

struct GalleryAddArguments {
  std::string gallery;
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string name;
  std::vector<std::string> inputs;
  bool no_texts = false;
  int thumbnail_side = sampler::kGalleryThumbnailSide;
};

struct GalleryRemoveArguments {
  std::string gallery;
  std::string name;
  std::string photograph;
};

struct GalleryListArguments {
  std::string gallery;
  bool json = false;
};

/// What `gallery add` embeds.
struct Added {
  search::Embeddings rows;
  int64_t left_out = 0;
  bool texts = true;  ///< all of them
};

// The photographs and the identity of each: the given name, or the name of its class folder.
Added photographs_of(coordinator::RunContext& context, run::TrainedModel& model,
                     const GalleryAddArguments& arguments) {
  Added added{.rows = {{}, {}, model.about("")}};
  std::vector<at::Tensor> parts;
  for (const std::string& path : arguments.inputs) {
    const run::Input input = run::open_input(model.config(), path);
    run::report_left_out(context, path, input.dataset());
    const engine::Embedded embedded = model.embed_all(context, input.examples);
    added.left_out += embedded.left_out;
    added.texts = added.texts && input.texts;
    parts.push_back(embedded.z_ND);
    for (const int64_t i : embedded.indices) {
      search::EmbeddedRow row =
          input.row(i, {.text = !arguments.no_texts, .thumbnail_side = arguments.thumbnail_side});
      if (!arguments.name.empty()) row.label = arguments.name;
      // Absolute, so that a photograph has the same id wherever the command runs.
      row.id = input.place_of(row);
      added.rows.rows_N.push_back(std::move(row));
    }
  }
  added.rows.z_ND = at::cat(parts).contiguous();
  return added;
}

int64_t count_of(const std::string& gallery) {
  return static_cast<int64_t>(search::identities(search::read_embeddings(gallery)).size());
}

int run_gallery_add(const GalleryAddArguments& arguments, const run::Tables& tables) {
  return run::with_model(tables, arguments, [&](coordinator::RunContext& context, run::TrainedModel& model) {
    run::check_alone(context, "gallery add");
    const Added given = photographs_of(context, model, arguments);
    const search::Embeddings& more = given.rows;
    // Also for an empty gallery: it checks the names and drops duplicates.
    const search::Embeddings nothing{more.z_ND.narrow(0, 0, 0), {}, more.about};
    const int64_t distinct = search::add_to_gallery(nothing, more).size();
    int64_t added = 0;
    search::update_gallery(arguments.gallery, [&](const std::optional<search::Embeddings>& before) {
      search::Embeddings after = search::add_to_gallery(before ? *before : nothing, more);
      added = after.size() - (before ? before->size() : 0);
      return after;
    });
    std::cout << arguments.gallery << ": added " << counted(added, given.texts ? "text" : "photograph")
              << ", replaced " << distinct - added << "; "
              << counted(count_of(arguments.gallery), "identity", "identities")
              << run::left_out_note(given.left_out) << std::endl;
    if (is_file(model.calibration_file()))
      log_next(*context.log,
               {"identify", arguments.model, "--gallery", arguments.gallery, "--input", "FILES"});
    else  // identify needs a threshold
      log_next(*context.log, {"evaluate", arguments.model, "--calibrate", "0.001"});
    return static_cast<int>(kDone);
  });
}

int run_gallery_remove(const GalleryRemoveArguments& arguments) {
  search::update_gallery(arguments.gallery, [&](const std::optional<search::Embeddings>& before) {
    if (!before) throw DataError(arguments.gallery + ": expected a gallery, got no file");
    try {
      return search::remove_from_gallery(*before, arguments.name, arguments.photograph);
    } catch (const DataError& error) {
      throw DataError(arguments.gallery + ": " + error.what());
    }
  });
  std::cout << arguments.gallery << ": " << counted(count_of(arguments.gallery), "identity", "identities")
            << std::endl;
  return kDone;
}

int run_gallery_list(const GalleryListArguments& arguments) {
  const search::Embeddings gallery = search::read_embeddings(arguments.gallery);
  nlohmann::json json = nlohmann::json::array();
  for (const search::Identity& identity : search::identities(gallery)) {
    if (!arguments.json) std::cout << printable(identity.name) << '\t' << identity.photographs << '\n';
    json.push_back({{"name", identity.name}, {"photographs", identity.photographs}});
  }
  if (arguments.json) std::cout << json_text(json, 2) << '\n';
  std::cout << std::flush;
  return kDone;
}

// `gallery add GALLERY IMAGES... --checkpoint RUN`, as it was spelled before: the words after the verb are
// the gallery and the images.
void add_old_form(CLI::App* add) {
  const auto take = [add](const std::string& run) {
    CLI::Option *model = add->get_option("model"), *gallery = add->get_option("--gallery");
    if (gallery->count() == 0 && model->count() > 0) {
      gallery->add_result(model->results());
      model->clear();
    }
    model->add_result(run);
  };
  add->add_option_function<std::string>("--checkpoint", take, "Earlier spelling of model")->group("");
}

}  // namespace

void add_gallery_add(CLI::App* add, Action& action) {
  auto added = on<GalleryAddArguments>(add, action, run_gallery_add);
  add_old_form(add);
  add_path(add, "model", added->model, kModelDoc)->required();
  add_old_spelling(add, "inputs", "--input")->allow_extra_args();
  add_gallery(add, added->gallery, "Gallery file (*.safetensors); created if it does not exist");
  add_input(add, added->inputs, "Images, and folders of images, to add")->required();
  add->add_option("--name", added->name,
                  "Identity that the images show (default: the name of each image's class folder)");
  add->add_flag("--no-texts", added->no_texts, "Store no texts and captions in the gallery");
  add->add_option("--thumbnails", added->thumbnail_side,
                  "Longest side in pixels of the thumbnail that the gallery stores for each image; 0: none")
      ->check(CLI::Range(0, sampler::kThumbnailSide))
      ->capture_default_str();
  add_set(add, added->assignments);
  add_allow_code(add, added->allow_code);
}

void add_gallery_remove(CLI::App* remove, Action& action) {
  auto removed = on<GalleryRemoveArguments>(remove, action, run_gallery_remove);
  add_old_spelling(remove, "gallery", "--gallery");
  add_gallery(remove, removed->gallery, kGalleryDoc);
  remove->add_option("--name", removed->name, "Identity to remove")->required();
  add_path(remove, "--photograph", removed->photograph,
           "Absolute path of the one photograph to remove, as it was added (default: all of them)");
}

void add_gallery_list(CLI::App* list, Action& action) {
  auto listed = on<GalleryListArguments>(list, action, run_gallery_list);
  add_old_spelling(list, "gallery", "--gallery");
  add_gallery(list, listed->gallery, kGalleryDoc);
  list->add_flag("--json", listed->json, "Print the list as JSON");
}

}  // namespace lodestone::commands
