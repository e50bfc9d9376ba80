#include <iostream>

#include "trainer/commands/verb.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct ConfigArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool reference = false;
  bool schema = false;
};

int run_config(const ConfigArguments& arguments, const run::Tables& tables) {
  run::RunConfig config(tables);
  const auto visit = [&config](Fields& f) { config.visit(f); };
  if (arguments.reference) {
    std::cout << "# Every key with its default. Alternatives of loss, miner and encoder are commented out, "
                 "and so are keys without effect under the other settings.\n"
              << write_reference(visit);
  } else if (arguments.schema) {
    std::cout << write_schema(visit);
  } else {
    if (arguments.config.empty())
      throw ConfigError("config: expected a configuration file, --reference or --schema");
    run::load_run_config(arguments.config, arguments.assignments, config);
    std::cout << write_yaml(visit);
  }
  return kDone;
}

}  // namespace

void add_config(CLI::App* config, Action& action) {
  auto arguments = on<ConfigArguments>(config, action, run_config);
  add_path(config, "config", arguments->config, "Configuration file (YAML)");
  add_set(config, arguments->assignments);
  config->add_flag("--reference", arguments->reference, "Print every key with its default and its meaning");
  config->add_flag("--schema", arguments->schema, "Print the JSON Schema of the configuration");
}

}  // namespace lodestone::commands
