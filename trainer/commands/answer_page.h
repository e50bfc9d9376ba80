#pragma once

#include <string>
#include <vector>

#include "common/log.h"
#include "trainer/search/search_hit.h"

namespace lodestone::commands {

/// Where the files are that a page of answers may show.
struct ShownFiles {
  std::vector<std::string> folders;  ///< below which files are shown: those that the user's command names
  std::string queries;               ///< the folder, or the file, that ids of queries are relative to
  std::string gallery;               ///< the same for ids of the gallery
};

/// The page of `answers`. A row is shown by its image file if ShownImages permits, else by its thumbnail.
/// Logs which files it leaves out.
std::string answer_page(const std::string& title, const std::vector<search::SearchAnswer>& answers,
                        const ShownFiles& files, Logger& log);

}  // namespace lodestone::commands
