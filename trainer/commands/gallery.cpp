#include "trainer/search/gallery.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>

#include <ATen/ops/cat.h>
#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/files.h"
#include "common/json_text.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "trainer/commands/shown_answers.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/bad_record_teller.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/trained_model.h"

namespace lodestone {

namespace {

struct GalleryAddArguments {
  std::string gallery;
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string name;
  std::vector<std::string> inputs;
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

struct IdentifyArguments {
  std::string gallery;
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string image;
  std::optional<double> threshold;
  int64_t k = 5;
  std::string json;
};

namespace fs = std::filesystem;

// The photographs and the identity of each: the given name, or the name of its class folder.
Embeddings photographs_of(RunContext& context, TrainedModel& model, const GalleryAddArguments& arguments,
                          int64_t& left_out) {
  Embeddings all{{}, {}, model.about("")};
  std::vector<at::Tensor> parts;
  for (const std::string& path : arguments.inputs) {
    const Input input = open_input(model.config(), path);
    tell_left_out(context, path, input.dataset());
    const Embedded embedded = model.embed_all(context, input.examples);
    left_out += embedded.left_out;
    parts.push_back(embedded.z_ND);
    for (const int64_t i : embedded.indices) {
      EmbeddedRow row = input.row(i);
      if (!arguments.name.empty()) row.label = arguments.name;
      // Absolute, so that a photograph has the same id wherever the command runs.
      row.id = row_name((absolute_path(input.source) / row.id).lexically_normal().string());
      all.rows_N.push_back(std::move(row));
    }
  }
  all.z_ND = at::cat(parts).contiguous();
  return all;
}

int64_t count_of(const std::string& gallery) {
  return static_cast<int64_t>(identities(read_embeddings(gallery)).size());
}

/// An image and its candidates, best first.
struct Identified {
  EmbeddedRow query;  ///< its label is the class folder that it is in, if any
  std::vector<Identity> found;
  bool known = false;  ///< whether the best candidate reaches the threshold

  std::string who() const { return known ? found.front().name : "unknown"; }
};

nlohmann::json to_json(const Identified& one) {
  nlohmann::json candidates = nlohmann::json::array();
  for (const Identity& identity : one.found)
    candidates.push_back(
        {{"name", identity.name}, {"score", identity.score}, {"photograph", identity.photograph}});
  return {{"query", one.query.id},
          {"name", one.known ? nlohmann::json(one.who()) : nlohmann::json()},
          {"candidates", candidates}};
}

/// Counts correct answers where folders name the identity of the images. "unknown" is correct for an identity
/// that is not in the gallery.
std::string summary_of(const std::vector<Identified>& all, const Embeddings& gallery) {
  std::set<std::string> names;
  for (const Identity& identity : identities(gallery)) names.insert(identity.name);
  size_t labelled = 0, right = 0, mistaken = 0, missed = 0;
  for (const Identified& one : all) {
    if (one.query.label.empty()) continue;
    ++labelled;
    const std::string truth = names.contains(one.query.label) ? one.query.label : "unknown";
    if (one.who() == truth)
      ++right;
    else
      ++(one.known ? mistaken : missed);
  }
  const auto known = std::ranges::count_if(all, &Identified::known);
  std::string text = counted(static_cast<int64_t>(all.size()), "picture") + ": " + std::to_string(known) +
                     " known, " + std::to_string(static_cast<int64_t>(all.size()) - known) + " unknown";
  if (labelled == 0) return text;
  return text + "; by the names of their folders " + std::to_string(right) + " of " +
         std::to_string(labelled) + " right, " + std::to_string(mistaken) + " taken for somebody else, " +
         std::to_string(missed) + " not recognised";
}

void tell_identified(const std::vector<Identified>& all, const Embeddings& gallery, double threshold,
                     int64_t left_out, const std::string& json_file) {
  nlohmann::json json = {
      {"threshold", threshold}, {"left_out", left_out}, {"answers", nlohmann::json::array()}};
  for (const Identified& one : all) json["answers"].push_back(to_json(one));
  if (!json_file.empty()) write_file_atomic(json_file, json_text(json, 2) + "\n");
  if (prints_each_answer(all.size(), !json_file.empty()))
    for (const Identified& one : all)
      std::cout << printable(one.query.id) << '\t' << printable(one.who()) << '\t'
                << (one.found.empty() ? "" : decimal(one.found.front().score, 4)) << '\n';
  if (all.size() < 2) return;
  // On stderr, apart from the lines that scripts read, unless the user asks for a file.
  (json_file.empty() ? std::cerr : std::cout)
      << summary_of(all, gallery) << (json_file.empty() ? "" : ": " + json_file) << std::endl;
}

double threshold_of(const IdentifyArguments& arguments, const std::optional<Calibration>& calibration) {
  if (arguments.threshold) return *arguments.threshold;
  if (calibration) return calibration->threshold;
  throw ConfigError(
      "identify: expected a threshold, got none; `lodestone evaluate RUN --calibrate 0.001` sets one at a "
      "false accept "
      "rate, or give --threshold");
}

int run_gallery_add(const GalleryAddArguments& arguments, const Tables& tables) {
  return with_model(tables, arguments, [&](RunContext& context, TrainedModel& model) {
    check_alone(context, "gallery add");
    int64_t left_out = 0;
    const Embeddings more = photographs_of(context, model, arguments, left_out);
    // Also for an empty gallery: it checks the names and drops duplicates.
    const Embeddings nothing{more.z_ND.narrow(0, 0, 0), {}, more.about};
    const int64_t given = add_to_gallery(nothing, more).size();
    int64_t added = 0;
    update_gallery(arguments.gallery, [&](const std::optional<Embeddings>& before) {
      Embeddings after = add_to_gallery(before ? *before : nothing, more);
      added = after.size() - (before ? before->size() : 0);
      return after;
    });
    std::cout << arguments.gallery << ": added " << counted(added, "photograph") << ", replaced "
              << given - added << "; " << counted(count_of(arguments.gallery), "identity", "identities")
              << left_out_note(left_out) << std::endl;
    return static_cast<int>(kDone);
  });
}

int run_gallery_remove(const GalleryRemoveArguments& arguments) {
  update_gallery(arguments.gallery, [&](const std::optional<Embeddings>& before) {
    if (!before) throw DataError(arguments.gallery + ": expected a gallery, got no file");
    return remove_from_gallery(*before, arguments.name, arguments.photograph);
  });
  std::cout << arguments.gallery << ": " << counted(count_of(arguments.gallery), "identity", "identities")
            << std::endl;
  return kDone;
}

int run_gallery_list(const GalleryListArguments& arguments) {
  const Embeddings gallery = read_embeddings(arguments.gallery);
  nlohmann::json json = nlohmann::json::array();
  for (const Identity& identity : identities(gallery)) {
    if (!arguments.json) std::cout << printable(identity.name) << '\t' << identity.photographs << '\n';
    json.push_back({{"name", identity.name}, {"photographs", identity.photographs}});
  }
  if (arguments.json) std::cout << json_text(json, 2) << '\n';
  std::cout << std::flush;
  return kDone;
}

int run_identify(const IdentifyArguments& arguments, const Tables& tables) {
  return with_model(tables, arguments, [&](RunContext& context, TrainedModel& model) {
    check_alone(context, "identify");
    const Embeddings gallery = read_embeddings(arguments.gallery);
    model.check_made_here(gallery, arguments.gallery);
    const double threshold = threshold_of(arguments, model.calibration(*context.log));
    const Input input = open_input(model.config(), arguments.image);
    tell_left_out(context, arguments.image, input.dataset());
    const Embedded embedded = model.embed_all(context, input.examples);
    auto found = identify(gallery, embedded.z_ND, arguments.k);
    std::vector<Identified> all;
    for (size_t i = 0; i < found.size(); ++i) {
      const bool known = !found[i].empty() && found[i].front().score >= threshold;
      all.push_back({input.row(embedded.indices[i]), std::move(found[i]), known});
    }
    tell_identified(all, gallery, threshold, embedded.left_out, arguments.json);
    return static_cast<int>(kDone);
  });
}

}  // namespace

void add_gallery_add(CLI::App* add, Action& action) {
  auto added = on<GalleryAddArguments>(add, action, run_gallery_add);
  add_path(add, "gallery", added->gallery, "Gallery file (*.safetensors); created if it does not exist")
      ->required();
  add_path(add, "inputs", added->inputs, "Images, and folders of images, to add")->required();
  add_path(add, "--checkpoint", added->run, "Run folder or checkpoint that embeds the images")->required();
  add->add_option("--name", added->name,
                  "Identity that the images show (default: the name of each image's class folder)");
  add_set(add, added->assignments);
  add_allow_code(add, added->allow_code);
}

void add_gallery_remove(CLI::App* remove, Action& action) {
  auto removed = on<GalleryRemoveArguments>(remove, action, run_gallery_remove);
  add_path(remove, "gallery", removed->gallery, "Gallery file (*.safetensors)")->required();
  remove->add_option("--name", removed->name, "Identity to remove")->required();
  add_path(remove, "--photograph", removed->photograph,
           "Absolute path of the one photograph to remove, as it was added (default: all of them)");
}

void add_gallery_list(CLI::App* list, Action& action) {
  auto listed = on<GalleryListArguments>(list, action, run_gallery_list);
  add_path(list, "gallery", listed->gallery, "Gallery file (*.safetensors)")->required();
  list->add_flag("--json", listed->json, "Print the list as JSON");
}

void add_identify(CLI::App* identify, Action& action) {
  auto arguments = on<IdentifyArguments>(identify, action, run_identify);
  add_path(identify, "--gallery", arguments->gallery, "Gallery file (*.safetensors)")
      ->required()
      ->check(CLI::ExistingFile);
  add_path(identify, "--image", arguments->image, "Image, or folder of images, to identify")
      ->required()
      ->check(CLI::ExistingPath);
  add_path(identify, "--checkpoint", arguments->run, "Run folder or checkpoint that embeds the images")
      ->required();
  identify->add_option("--threshold", arguments->threshold,
                       "Lowest score at which an identity is accepted (default: the calibrated threshold)");
  identify->add_option("-k", arguments->k, "Number of candidates per image in the JSON file")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_path(identify, "--json", arguments->json, "File for the answers and candidates as JSON");
  add_set(identify, arguments->assignments);
  add_allow_code(identify, arguments->allow_code);
}

}  // namespace lodestone
