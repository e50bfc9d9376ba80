#include "trainer/commands/answer_page.h"

#include <filesystem>

#include "common/paths.h"
#include "trainer/search/result_page.h"
#include "trainer/search/shown_images.h"

namespace lodestone::commands {

namespace {

namespace fs = std::filesystem;

// The ids of a list are relative to its folder.
fs::path folder_of(const std::string& source) {
  return is_file(source) ? fs::path(source).parent_path() : fs::path(source);
}

}  // namespace

std::string answer_page(const std::string& title, const std::vector<search::SearchAnswer>& answers,
                        const ShownFiles& files, Logger& log) {
  search::ShownImages images(files.folders);
  const fs::path queries = folder_of(files.queries), gallery = folder_of(files.gallery);
  std::string page = search::result_page(
      title, answers, [&](const std::string& id, const std::string& thumbnail, bool query) {
        return images.uri((query ? queries : gallery) / id, thumbnail);
      });
  if (const std::string warning = images.left_out(); !warning.empty())
    log.warn("the page leaves images out: {}", warning);
  return page;
}

}  // namespace lodestone::commands
