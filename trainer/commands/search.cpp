#include <algorithm>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>

#include "common/counted.h"
#include "common/json_text.h"
#include "common/output_file.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/text_format.h"
#include "common/utf8.h"
#include "sampler/codecs/thumbnail.h"
#include "trainer/commands/answer_page.h"
#include "trainer/commands/shared_options.h"
#include "trainer/commands/shown_answers.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/eval/neighbours.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/trained_model.h"
#include "trainer/search/approximate_index.h"

namespace lodestone::commands {

namespace {

struct SearchArguments {
  std::string gallery;
  std::string query;
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  int64_t k = 10;
  std::string json;
  std::string html;
  std::vector<std::string> images;  ///< folders whose images the page may show
  std::string index;                ///< empty: exact search
  int64_t effort = 0;               ///< 0: the index's default
};

namespace fs = std::filesystem;

constexpr size_t kShownBytes = 200;  // of a text, in a line of the terminal

struct Queries {
  at::Tensor z_QD;
  std::vector<search::EmbeddedRow> rows;  ///< as SearchAnswer::query
  std::string source;
  std::string named;     ///< the file or folder of the queries that the user's command names
  int64_t left_out = 0;  ///< queries that could not be read
};

bool is_embeddings(const std::string& query) {
  return fs::path(query).extension() == ".safetensors";
}

// A query is used as it is, as a text or a path, except that ~/ is expanded, and scheme:// is refused where
// only a path is possible.
std::string user_query(const SearchArguments& arguments) {
  const std::string& query = arguments.query;
  if (has_scheme(query) && (is_embeddings(query) || arguments.model.empty()))
    return user_path(query, "--input");
  if (!query.starts_with("~/")) return query;
  const std::string path = user_path(query, "--input");
  return path_exists(path) ? path : query;
}

Queries read_queries(const std::string& file, const search::Embeddings& gallery) {
  const search::Embeddings found = search::read_embeddings(file);
  if (found.fact("model") != gallery.fact("model") || found.z_ND.size(1) != gallery.z_ND.size(1))
    throw ConfigError(
        file +
        ": expected embeddings of the gallery's model, got those of another; embed both with one model");
  return {found.z_ND, found.rows_N, found.fact("source"), absolute_path(file).parent_path()};
}

// A file name with a mistake is no text.
void check_text(const std::string& query) {
  if (!run::names_a_file(query)) return;
  throw DataError(
      "--input: expected a text, or a file that exists, got " + query +
      (is_folder(query) ? ", a folder, which a model of texts does not read" : ", which does not exist") +
      "; correct the path. A text that looks like a path is searched for from a file of texts "
      "(*.txt)");
}

Queries embed_queries(coordinator::RunContext& context, run::TrainedModel& model,
                      const SearchArguments& arguments) {
  const std::string& query = arguments.query;
  const run::DataKind& kind = *model.config().data.kind;
  if (!kind.reads_texts() && has_scheme(query)) user_path(query, "--input");  // throws
  // A folder contains images: for a model of texts its name is a text.
  const bool is_path = path_exists(query) && (kind.reads_images() || !is_folder(query));
  if (!is_path && kind.reads_texts()) check_text(query);
  const run::Input input =
      is_path ? run::open_input(model.config(), query) : run::text_input(model.config(), query);
  run::report_left_out(context, query, input.dataset());
  const engine::Embedded embedded = model.embed_all(context, input.examples);
  Queries queries{embedded.z_ND, {}, input.source, is_path ? query : "", embedded.left_out};
  const run::StoredContent shown{.thumbnail_side = arguments.html.empty() ? 0 : sampler::kThumbnailSide};
  for (const int64_t i : embedded.indices) {
    queries.rows.push_back(input.row(i, shown));
    if (input.texts) queries.rows.back() = {.id = "", .text = input.text(i)};
  }
  return queries;
}

std::vector<std::vector<eval::Neighbour>> nearest_of(const Queries& queries,
                                                     const search::Embeddings& gallery,
                                                     const SearchArguments& arguments) {
  const eval::ComparableRows q(queries.z_QD, gallery.similarity()), g(gallery.z_ND, gallery.similarity());
  if (arguments.index.empty()) return eval::nearest_rows(q, g, arguments.k);
  return search::ApproximateIndex::read(arguments.index, gallery)
      .nearest(q, g, arguments.k, arguments.effort);
}

std::vector<search::SearchAnswer> answers_of(const Queries& queries, const search::Embeddings& gallery,
                                             const SearchArguments& arguments,
                                             const std::optional<search::Calibration>& calibration) {
  std::vector<search::SearchAnswer> answers;
  for (const auto& nearest : nearest_of(queries, gallery, arguments))
    answers.push_back({queries.rows[answers.size()], search::hits_of(nearest, gallery, calibration)});
  return answers;
}

// A query that the user wrote is printed whole.
std::string shown_query(const search::EmbeddedRow& query) {
  if (query.id.empty()) return query.text;
  return query.text.empty() ? query.id : beginning(query.text, kShownBytes);
}

void print_table(const std::vector<search::SearchAnswer>& answers) {
  const bool has_texts = std::ranges::any_of(answers, [](const search::SearchAnswer& answer) {
    return std::ranges::any_of(answer.hits, [](const auto& hit) { return !hit.text.empty(); });
  });
  std::cout << "query\trank\tscore\tdistance\tverdict\tlabel\t" << (has_texts ? "text" : "id") << '\n';
  for (const search::SearchAnswer& answer : answers)
    for (size_t r = 0; r < answer.hits.size(); ++r) {
      const search::SearchHit& hit = answer.hits[r];
      std::cout << printable(shown_query(answer.query)) << '\t' << r + 1 << '\t' << decimal(hit.score, 4)
                << '\t' << decimal(hit.distance, 4) << '\t' << hit.verdict() << '\t' << printable(hit.label)
                << '\t' << printable(hit.text.empty() ? hit.id : beginning(hit.text, kShownBytes)) << '\n';
    }
  std::cout << std::flush;
}

// Limits what is printed if the answers are in a file.
void print_summary(const std::vector<search::SearchAnswer>& answers, const SearchArguments& arguments) {
  int64_t hits = 0, same = 0;
  for (const search::SearchAnswer& answer : answers) {
    hits += static_cast<int64_t>(answer.hits.size());
    same += !answer.hits.empty() && answer.hits.front().same.value_or(false);
  }
  std::cout << counted(static_cast<int64_t>(answers.size()), "query", "queries") << ", "
            << counted(hits, "answer");
  if (same > 0) std::cout << ", the first is the same for " << counted(same, "query", "queries");
  std::cout << ": " << arguments.json << (arguments.json.empty() || arguments.html.empty() ? "" : ", ")
            << arguments.html << std::endl;
}

std::string answers_json(const std::vector<search::SearchAnswer>& answers, const Queries& queries,
                         const std::optional<search::Calibration>& calibration) {
  nlohmann::json json = {{"threshold", nullptr},
                         {"far", nullptr},
                         {"left_out", queries.left_out},
                         {"answers", nlohmann::json::array()}};
  if (calibration) json["threshold"] = calibration->threshold, json["far"] = calibration->far;
  for (const search::SearchAnswer& answer : answers) {
    const search::EmbeddedRow& query = answer.query;
    json["answers"].push_back(
        {{"query", query.id.empty() ? query.text : query.id}, {"hits", to_json(answer.hits)}});
    if (!query.id.empty() && !query.text.empty()) json["answers"].back()["text"] = query.text;
  }
  return json_text(json, 2) + "\n";
}

std::string page_of(const std::vector<search::SearchAnswer>& answers, const Queries& queries,
                    const search::Embeddings& gallery, const SearchArguments& arguments) {
  std::vector<std::string> folders = arguments.images;
  folders.push_back(absolute_path(arguments.gallery).parent_path());
  folders.push_back(queries.named);
  return answer_page("Search results", answers, {folders, queries.source, gallery.fact("source")},
                     *make_log(0, 1));
}

void answer(const Queries& queries, const search::Embeddings& gallery,
            const std::optional<search::Calibration>& calibration, const SearchArguments& arguments) {
  const auto answers = answers_of(queries, gallery, arguments, calibration);
  if (!arguments.json.empty()) write_output(arguments.json, answers_json(answers, queries, calibration));
  if (!arguments.html.empty()) write_output(arguments.html, page_of(answers, queries, gallery, arguments));
  const bool in_file = !arguments.json.empty() || !arguments.html.empty();
  if (!prints_each_answer(answers.size(), in_file)) return print_summary(answers, arguments);
  print_table(answers);
}

int run_search(const SearchArguments& given, const run::Tables& tables) {
  SearchArguments arguments = given;
  arguments.query = user_query(given);
  const search::Embeddings gallery = search::read_embeddings(arguments.gallery);
  if (arguments.model.empty()) {
    if (!is_embeddings(arguments.query))
      throw ConfigError(
          "search: expected a model, which embeds the input, as the first argument, got none; only "
          "embeddings "
          "go without");
    answer(read_queries(arguments.query, gallery), gallery, {}, arguments);
    return kDone;
  }
  return run::with_model(tables, arguments, [&](coordinator::RunContext& context, run::TrainedModel& model) {
    run::check_alone(context, "search");
    model.check_made_here(gallery, arguments.gallery);
    const Queries queries = is_embeddings(arguments.query) ? read_queries(arguments.query, gallery)
                                                           : embed_queries(context, model, arguments);
    answer(queries, gallery, model.calibration(*context.log), arguments);
    return static_cast<int>(kDone);
  });
}

}  // namespace

void add_search(CLI::App* search, Action& action) {
  auto arguments = on<SearchArguments>(search, action, run_search);
  add_model(search, arguments->model);
  add_gallery(search, arguments->gallery, kSearchedDoc)->check(CLI::ExistingFile);
  add_old_spelling(search, "--query", "--input");
  search
      ->add_option(
          "--input", arguments->query,
          "Queries: an image, a folder, a file of texts, the text itself, or embeddings, which need no "
          "model")
      ->required()
      ->check(not_empty);
  search->add_option("-k", arguments->k, "Number of answers per query")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  add_path(search, "--json", arguments->json, "File for the answers as JSON");
  add_path(search, "--html", arguments->html, "File for an HTML page that shows the answers");
  add_path(search, "--pictures", arguments->images,
           "Folder whose images the HTML page may embed, besides those of the query and those below the "
           "gallery's folder; requires --html")
      ->needs("--html")
      ->allow_extra_args(false);
  add_path(search, "--index", arguments->index,
           "Index of the gallery, as `lodestone index` writes it: fast, approximate search (default: exact)")
      ->check(CLI::ExistingFile);
  search
      ->add_option("--effort", arguments->effort,
                   "Number of graph nodes (hnsw) or lists (ivf-pq) to visit per query; requires --index "
                   "(default: depends on the kind of index)")
      ->check(CLI::Range(1, 1 << 20))
      ->needs("--index");
  add_set(search, arguments->assignments);
  add_allow_code(search, arguments->allow_code);
}

}  // namespace lodestone::commands
