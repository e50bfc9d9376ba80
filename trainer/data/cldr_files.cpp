#include "trainer/data/cldr_files.h"

#include <pugixml.hpp>

#include "common/error.h"

namespace lodestone::data {

void read_cldr(const std::filesystem::path& file, const char* xpath, const char* attribute,
               const std::function<void(const std::string&, const std::string&)>& take) {
  pugi::xml_document document;
  const auto result = document.load_file(file.c_str());
  if (result.status == pugi::status_file_not_found)
    throw DataError("cldr: expected Unicode's locale data " + file.string() +
                    ", which does not exist; check --source, or install it: sudo apt-get install "
                    "--no-install-recommends unicode-cldr-core");
  if (!result)
    throw DataError("cldr: " + file.string() + ": expected XML, got " + result.description() + " at byte " +
                    std::to_string(result.offset) +
                    "; install the package again: sudo apt-get install --reinstall unicode-cldr-core");
  for (const auto& found : document.select_nodes(xpath)) {
    const pugi::xml_node node = found.node();
    const std::string text = node.text().get();
    if (node.attribute("alt") || text.starts_with("\u2191")) continue;
    const auto own = node.attribute(attribute);
    take((own ? own : node.parent().attribute(attribute)).value(), text);
  }
}

}  // namespace lodestone::data
