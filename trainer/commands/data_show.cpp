#include <filesystem>
#include <iostream>

#include "common/json_text.h"
#include "common/log.h"
#include "common/output_file.h"
#include "common/printable.h"
#include "trainer/commands/output_option.h"
#include "trainer/commands/verb.h"
#include "trainer/data_view/data_page.h"
#include "trainer/data_view/fact_rows.h"
#include "trainer/run/checkpoint_config.h"

namespace lodestone::commands {

namespace {

struct DataShowArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string html, json;
};

void print(const std::string& title, const std::vector<data_view::FactRow>& rows) {
  std::cout << title << '\n';
  for (const auto& [name, value] : rows) std::cout << "  " << name << ": " << value << '\n';
}

void print(const data_view::Sides& sides, const data_view::DataFacts& facts) {
  const auto title = [](const data_view::Side& side) { return side.name + " (" + side.key + ")"; };
  print(title(sides.training), rows_of(sides.training, facts.training));
  if (facts.evaluation) print(title(*sides.evaluation), rows_of(*sides.evaluation, *facts.evaluation));
  if (facts.common) print("training and evaluation", rows_of(sides, *facts.common));
  for (const std::string& warning : facts.warnings) std::cout << "warning: " << printable(warning) << '\n';
}

void write(const std::string& file, const std::string& bytes) {
  const Replacement replacement(file);
  write_output(file, bytes);
  replacement.report(*make_log(0, 1));
}

int run_data_show(const DataShowArguments& arguments, const run::Tables& tables) {
  run::RunConfig config(tables);
  run::read_named_config(arguments.config, arguments.assignments, arguments.allow_code, config);
  const data_view::Sides sides = data_view::open_sides(config);
  const data_view::DataFacts facts = data_view::describe(config, sides);
  if (!arguments.json.empty()) write(arguments.json, json_text(data_view::json_of(sides, facts), 2) + "\n");
  if (!arguments.html.empty())
    write(arguments.html, data_view::data_page(std::filesystem::path(arguments.config).stem().string(),
                                               config, sides, facts));
  print(sides, facts);
  if (!arguments.html.empty()) std::cout << "samples: " << arguments.html << '\n';
  if (facts.cannot_train.empty())
    std::cout << "next: lodestone train " << printable(arguments.config) << '\n';
  std::cout << std::flush;
  return kDone;
}

}  // namespace

void add_data_show(CLI::App* show, Action& action) {
  auto arguments = on<DataShowArguments>(show, action, run_data_show);
  add_path(show, "config", arguments->config, "Configuration file (YAML)")->required();
  add_set(show, arguments->assignments);
  add_path(show, "--html", arguments->html,
           "Write a page with samples by class and with what the encoder gets");
  add_path(show, "--json", arguments->json, "Write the facts as JSON");
  add_allow_code(show, arguments->allow_code);
}

}  // namespace lodestone::commands
