#include <iostream>

#include "common/log.h"
#include "trainer/commands/command.h"
#include "trainer/data/typefaces.h"

namespace lodestone {

int run_data(const DataArguments& arguments) {
  TypefacesOptions options;
  options.output = arguments.output;
  if (!arguments.font_roots.empty())
    options.font_roots.assign(arguments.font_roots.begin(), arguments.font_roots.end());
  const TypefacesReport report = make_typefaces(options, make_log(0, 1));
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    const SplitReport& part = report.split(split);
    std::cout << name_of(split) << ": " << part.instances << " pictures of " << part.classes << " letters ("
              << part.groups << " told apart by eye) in " << part.scripts.size() << " scripts and "
              << part.families.size() << " typeface families\n";
  }
  std::cout << (report.cached ? "nothing to do: " : "made: ") << options.output.string() << std::endl;
  return kDone;
}

}  // namespace lodestone
