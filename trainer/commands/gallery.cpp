#include "trainer/search/gallery.h"

#include <filesystem>
#include <iostream>

#include <ATen/ops/cat.h>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "trainer/commands/bad_record_teller.h"
#include "trainer/commands/command.h"
#include "trainer/commands/input.h"
#include "trainer/commands/trained_model.h"
#include "trainer/eval/text.h"

namespace lodestone {

namespace {

namespace fs = std::filesystem;

// Photographs with the name of whom they show: the one that was given, or else their class folder.
Embeddings photographs_of(Session& session, TrainedModel& model, const GalleryAddArguments& arguments,
                          int64_t& left_out) {
  Embeddings all{{}, {}, model.about("")};
  std::vector<at::Tensor> parts;
  for (const std::string& path : arguments.inputs) {
    const Input input = open_input(model.config(), path);
    tell_left_out(session, path, input.dataset());
    const Embedded embedded = model.embed_all(session, input.examples);
    left_out += embedded.left_out;
    parts.push_back(embedded.z_ND);
    for (const int64_t i : embedded.indices) {
      EmbeddedRow row = input.row(i);
      if (!arguments.name.empty()) row.label = arguments.name;
      // Absolute, so that one photograph is one wherever the command is run.
      row.id = (fs::absolute(input.source) / row.id).lexically_normal().string();
      all.rows_N.push_back(std::move(row));
    }
  }
  all.z_ND = at::cat(parts).contiguous();
  return all;
}

int64_t count_of(const std::string& gallery) {
  return static_cast<int64_t>(identities(read_embeddings(gallery)).size());
}

void print_identified(const std::vector<std::string>& queries,
                      const std::vector<std::vector<Identity>>& found, double threshold, int64_t left_out,
                      const std::string& json_file) {
  nlohmann::json json = {
      {"threshold", threshold}, {"left_out", left_out}, {"answers", nlohmann::json::array()}};
  for (size_t q = 0; q < queries.size(); ++q) {
    const bool known = !found[q].empty() && found[q].front().score >= threshold;
    const std::string who = known ? found[q].front().name : "unknown";
    std::cout << queries[q] << '\t' << who << '\t'
              << (found[q].empty() ? "" : decimal(found[q].front().score, 4)) << '\n';
    nlohmann::json candidates = nlohmann::json::array();
    for (const Identity& identity : found[q])
      candidates.push_back(
          {{"name", identity.name}, {"score", identity.score}, {"photograph", identity.photograph}});
    json["answers"].push_back({{"query", queries[q]},
                               {"name", known ? nlohmann::json(who) : nlohmann::json()},
                               {"candidates", candidates}});
  }
  std::cout << std::flush;
  if (!json_file.empty())
    write_file_atomic(json_file, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

double threshold_of(const IdentifyArguments& arguments, const std::optional<Calibration>& calibration) {
  if (arguments.threshold) return *arguments.threshold;
  if (calibration) return calibration->threshold;
  throw ConfigError(
      "identify: expected a threshold, got none; `lodestone evaluate RUN --calibrate 0.001` sets one at a "
      "false accept "
      "rate, or give --threshold");
}

}  // namespace

int run_gallery_add(const GalleryAddArguments& arguments) {
  return with_model(arguments, [&](Session& session, TrainedModel& model) {
    check_alone(session, "gallery add");
    int64_t left_out = 0;
    const Embeddings more = photographs_of(session, model, arguments, left_out);
    // Into an empty one too: it checks the names and drops repeats.
    const Embeddings nothing{more.z_ND.narrow(0, 0, 0), {}, more.about};
    update_gallery(arguments.gallery, [&](const std::optional<Embeddings>& before) {
      return add_to_gallery(before ? *before : nothing, more);
    });
    std::cout << arguments.gallery << ": added " << more.size() << " photographs; "
              << count_of(arguments.gallery) << " identities" << left_out_note(left_out) << std::endl;
    return static_cast<int>(kDone);
  });
}

int run_gallery_remove(const GalleryRemoveArguments& arguments) {
  update_gallery(arguments.gallery, [&](const std::optional<Embeddings>& before) {
    if (!before) throw DataError(arguments.gallery + ": expected a gallery, got no file");
    return remove_from_gallery(*before, arguments.name, arguments.photograph);
  });
  std::cout << arguments.gallery << ": " << count_of(arguments.gallery) << " identities" << std::endl;
  return kDone;
}

int run_gallery_list(const GalleryListArguments& arguments) {
  const Embeddings gallery = read_embeddings(arguments.gallery);
  nlohmann::json json = nlohmann::json::array();
  for (const Identity& identity : identities(gallery)) {
    if (!arguments.json) std::cout << identity.name << '\t' << identity.photographs << '\n';
    json.push_back({{"name", identity.name}, {"photographs", identity.photographs}});
  }
  if (arguments.json) std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  std::cout << std::flush;
  return kDone;
}

int run_identify(const IdentifyArguments& arguments) {
  return with_model(arguments, [&](Session& session, TrainedModel& model) {
    check_alone(session, "identify");
    const Embeddings gallery = read_embeddings(arguments.gallery);
    model.check_made_here(gallery, arguments.gallery);
    const double threshold = threshold_of(arguments, model.calibration(*session.log));
    const Input input = open_input(model.config(), arguments.image);
    tell_left_out(session, arguments.image, input.dataset());
    const Embedded embedded = model.embed_all(session, input.examples);
    std::vector<std::string> queries;
    for (const int64_t i : embedded.indices) queries.push_back(input.row(i).id);
    print_identified(queries, identify(gallery, embedded.z_ND, arguments.k), threshold, embedded.left_out,
                     arguments.json);
    return static_cast<int>(kDone);
  });
}

}  // namespace lodestone
