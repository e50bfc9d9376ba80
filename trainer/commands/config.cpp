#include <iostream>

#include "trainer/commands/command.h"
#include "trainer/commands/run_config.h"

namespace lodestone {

int run_config(const ConfigArguments& arguments) {
  RunConfig config;
  const auto visit = [&config](Fields& f) { config.visit(f); };
  if (arguments.reference) {
    std::cout << "# Every key with its default. Alternatives of loss, miner and encoder are commented out, "
                 "and keys that have no effect as others are set.\n"
              << write_reference(visit);
  } else if (arguments.schema) {
    std::cout << write_schema(visit);
  } else {
    if (arguments.config.empty())
      throw ConfigError("config: expected a configuration file, --reference or --schema");
    load_run_config(arguments.config, arguments.assignments, config);
    std::cout << write_yaml(visit);
  }
  return kDone;
}

}  // namespace lodestone
